// What is wrong with a plugin and shows only when it is loaded. The good one beside it loads each time.
#include <dlfcn.h>
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>

#include "plugin_directory.hpp"

using namespace berth;
using namespace misbehaving;

TEST_CASE("a library that the plugin needs is missing") {
    const auto error = refusal_of("missing_library");
    CHECK(error.diagnostic() == "BERTH-P-18");
    CHECK(says(error, {"libberth_absent.so", "not installed"}));
}

TEST_CASE("a function that nobody provides") {
    const auto error = refusal_of("undefined_symbol");
    CHECK(error.diagnostic() == "BERTH-P-19");
    CHECK(says(error, {"\"berth_absent_symbol\"", "-z,defs"}));
}

TEST_CASE("no entry") {
    const auto error = refusal_of("no_entry");
    CHECK(error.diagnostic() == "BERTH-P-21");
    CHECK(says(error, {"does not export", "berth_plugin_v1"}));
}

TEST_CASE("the entry of another major version") {
    const auto error = refusal_of("wrong_major");
    CHECK(error.diagnostic() == "BERTH-P-15");
    CHECK(says(error, {"expected the entry berth_plugin_v1", "found berth_plugin_v2"}));
}

TEST_CASE("an entry that throws") {
    const auto error = refusal_of("entry_throws");
    CHECK(error.diagnostic() == "BERTH-P-22");
    CHECK(says(error, {"threw an exception"}));
}

TEST_CASE("an entry that gives nothing") {
    const auto error = refusal_of("entry_gives_nothing");
    CHECK(error.diagnostic() == "BERTH-P-22");
    CHECK(says(error, {"returned NULL"}));
}

TEST_CASE("a struct that is too small for version 1.0") {
    for (const auto* name : {"plugin_too_small", "methods_too_small"}) {
        const auto error = refusal_of(name);
        CHECK(error.diagnostic() == "BERTH-P-23");
    }
    CHECK(says(refusal_of("plugin_too_small"), {"struct berth_plugin", "expected at least 48 bytes", "found 32"}));
    CHECK(says(refusal_of("methods_too_small"), {"table of methods", "expected at least 136 bytes", "found 88"}));
}

TEST_CASE("required methods that are null: all of them in one message") {
    const auto error = refusal_of("lacks_required");
    CHECK(error.diagnostic() == "BERTH-P-24");
    CHECK(says(error, {"2 of the 11 required methods", "create and restart"}));
}

TEST_CASE("functions of the plugin itself that are null") {
    const auto error = refusal_of("lacks_close");
    CHECK(error.diagnostic() == "BERTH-P-24");
    CHECK(says(error, {"describe and close"}));
}

TEST_CASE("an extension with a function that is null") {
    const auto error = refusal_of("half_extension");
    CHECK(error.diagnostic() == "BERTH-P-24");
    CHECK(says(error, {"berth.snapshots/1", "delete_snapshot"}));
}

TEST_CASE("a manifest that provides more than the table") {
    const auto error = refusal_of("provides_more");
    CHECK(error.diagnostic() == "BERTH-P-25");
    CHECK(says(error, {"the manifest provides create_snapshot and restore_snapshot, the table does not"}));
    CHECK(says(refusal_of("lacks_provided"), {"BERTH-P-25", "the manifest provides get_logs, the table does not"}));
}

TEST_CASE("a manifest that provides fewer than the table") {
    const auto error = refusal_of("provides_fewer");
    CHECK(error.diagnostic() == "BERTH-P-25");
    CHECK(says(error, {"the table has get_logs, the manifest does not say so"}));
}

TEST_CASE("an extension that is there but not said, and one that is said but not there") {
    CHECK(says(refusal_of("provides_no_extension"), {"BERTH-P-25", "the table has berth.snapshots/1"}));
    CHECK(says(refusal_of("foreign_extension"), {"BERTH-P-25", "the manifest provides com.acme.gpu/1"}));
}

TEST_CASE("a method that this version of the contract does not have") {
    const auto error = refusal_of("method_of_nobody");
    CHECK(error.diagnostic() == "BERTH-P-25");
    CHECK(says(error, {"the manifest provides hibernate"}));
}

TEST_CASE("a plugin of a later minor version loads with what is known here") {
    const PluginDirectory directory{"later_minor"};
    const auto rules = TrustRules::of_this_process();
    const auto catalog = directory.read(rules);
    const auto& file = catalog.find("later_minor");
    REQUIRE(file.warnings.size() == 1);
    CHECK(file.warnings[0].diagnostic() == "BERTH-P-17");
    const auto& plugin = load_plugin(file, rules, directory.copies());
    CHECK(plugin.minor == 7);
    CHECK(plugin.methods.size > sizeof(berth_methods));
    CHECK(plugin.has(Method::get_logs));
    CHECK(plugin.has(Method::delete_snapshot));
    CHECK_FALSE(plugin.has(Method::create_snapshot));
}

TEST_CASE("a plugin with the required methods only has no others") {
    const PluginDirectory directory{"only_required"};
    const auto rules = TrustRules::of_this_process();
    const auto catalog = directory.read(rules);
    const auto& plugin = load_plugin(catalog.find("only_required"), rules, directory.copies());
    for (const auto& row : method_table)
        CHECK(plugin.has(row.method) == (row.extension.empty() && row.requirement == MethodNeed::required));
}

TEST_CASE("a file is loaded once") {
    const PluginDirectory directory{};
    const auto rules = TrustRules::of_this_process();
    const auto catalog = directory.read(rules);
    const auto again = directory.read(rules);
    CHECK(&load_plugin(catalog.find("good"), rules, directory.copies()) ==
          &load_plugin(again.find("good"), rules, directory.copies()));
}

TEST_CASE("a file that was replaced between reading and loading") {
    PluginDirectory directory{"only_required"};
    const auto rules = TrustRules::of_this_process();
    const auto catalog = directory.read(rules);
    // Another plugin, and the same one with more behind its end.
    for (const auto* with : {"good", "only_required"}) {
        directory.add(with, "new.tmp");
        std::ofstream(directory.path() / "new.tmp", std::ios::app) << "more";
        std::filesystem::rename(directory.path() / "new.tmp", directory.path() / "only_required.so");
        try {
            (void)load_plugin(catalog.find("only_required"), rules, directory.copies());
            FAIL("it was loaded");
        } catch (const Error& error) {
            CHECK(error.diagnostic() == "BERTH-P-07");
            CHECK(says(error, {"changed since it was read", "only_required.so"}));
        }
    }
}

TEST_CASE("a file that was replaced after it was loaded is not mistaken for the old one") {
    PluginDirectory directory{"only_required"};
    const auto rules = TrustRules::of_this_process();
    const auto catalog = directory.read(rules);
    const auto& older = load_plugin(catalog.find("only_required"), rules, directory.copies());
    directory.add("only_required", "new.tmp");
    std::ofstream(directory.path() / "new.tmp", std::ios::app) << "what the loader does not look at";
    std::filesystem::rename(directory.path() / "new.tmp", directory.path() / "only_required.so");
    const auto newer = directory.read(rules);
    const auto& other = load_plugin(newer.find("only_required"), rules, directory.copies());
    CHECK(&other != &older);
    const bool same_code = other.methods.create == older.methods.create;
    CHECK_FALSE(same_code);
}

TEST_CASE("what happens to the file after it was loaded does not reach what was loaded") {
    PluginDirectory directory{"only_required"};
    const auto rules = TrustRules::of_this_process();
    const auto catalog = directory.read(rules);
    const auto& plugin = load_plugin(catalog.find("only_required"), rules, directory.copies());
    // Were the file itself mapped, the next call into a page of it would be SIGBUS.
    std::filesystem::resize_file(directory.path() / "only_required.so", 0);
    CHECK(plugin.plugin.get_extension({"nobody/1", 8}) == nullptr);
    Dl_info info{};
    REQUIRE(::dladdr(reinterpret_cast<const void*>(plugin.methods.create), &info) != 0);
    CHECK(std::string_view(info.dli_fname).starts_with(directory.copies()));
}

TEST_CASE("a pinned file that is exchanged between reading and loading") {
    PluginDirectory directory{"only_required"};
    const auto rules = TrustRules::of_this_process();
    auto file = directory.read(rules).find("only_required");
    file.hash = "sha256:" + std::string(64, '0');  // as if other bytes had been verified
    try {
        (void)load_plugin(file, rules, directory.copies());
        FAIL("it was loaded");
    } catch (const Error& error) {
        CHECK(error.diagnostic() == "BERTH-P-07");
    }
}

TEST_CASE("a library that lies beside the plugin is found, although the copy lies elsewhere") {
    PluginDirectory directory{"beside"};
    std::filesystem::copy_file(BESIDE_LIBRARY, directory.path() / "libberth_beside.so");
    const auto rules = TrustRules::of_this_process();
    const auto catalog = directory.read(rules);
    CHECK(load_plugin(catalog.find("beside"), rules, directory.copies()).has(Method::create));
}

TEST_CASE("no private copy, no plugin") {
    const PluginDirectory directory{"only_required"};
    const auto rules = TrustRules::of_this_process();
    const auto catalog = directory.read(rules);
    std::ofstream(directory.path() / "a_file") << "in the way";
    try {
        (void)load_plugin(catalog.find("only_required"), rules, (directory.path() / "a_file").string());
        FAIL("it was loaded");
    } catch (const Error& error) {
        CHECK(error.diagnostic() == "BERTH-P-30");
    }
}
