// What is wrong with a file is found by reading it; none of its code runs, and the good file beside it is usable.
#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "plugin_directory.hpp"

using namespace berth;
using namespace misbehaving;

namespace {

/// Reads a directory with one bad file: what its error says, with the good one beside it usable.
Error reading_refusal_of(std::string_view name) {
    const PluginDirectory directory{name};
    const auto catalog = directory.read();
    CHECK(catalog.problems().empty());
    CHECK(catalog.find("good").usable());
    const auto& file = file_named(catalog, std::string(name) + ".so");
    REQUIRE(file.error.has_value());
    CHECK(file.error->fields().location == file.path);
    return *file.error;
}

}  // namespace

TEST_CASE("a file that is not ELF") {
    const auto error = reading_refusal_of("not_elf");
    CHECK(error.diagnostic() == "BERTH-P-08");
    CHECK(says(error, {"not an ELF file", "not_elf.so"}));
}

TEST_CASE("a file for a 32-bit machine") {
    const auto error = reading_refusal_of("thirty_two_bit");
    CHECK(error.diagnostic() == "BERTH-P-09");
    CHECK(says(error, {"expected 64 bit", "found 32 bit"}));
}

TEST_CASE("a truncated file") {
    const auto error = reading_refusal_of("truncated");
    CHECK(error.diagnostic() == "BERTH-P-10");
    CHECK(says(error, {"cut short", "4096 bytes are there"}));
}

TEST_CASE("a shared object without a manifest") {
    const auto error = reading_refusal_of("no_manifest");
    CHECK(error.diagnostic() == "BERTH-P-11");
    CHECK(says(error, {".note.berth", "BERTH_PLUGIN"}));
}

TEST_CASE("a manifest that is not JSON") {
    const auto error = reading_refusal_of("not_json");
    CHECK(error.diagnostic() == "BERTH-P-12");
    CHECK(says(error, {"not usable as JSON", "line 1"}));
}

TEST_CASE("a manifest with one key twice") {
    const auto error = reading_refusal_of("key_twice");
    CHECK(error.diagnostic() == "BERTH-P-12");
    CHECK(says(error, {"\"name\" stands twice"}));
}

TEST_CASE("a manifest with an unknown key") {
    const auto error = reading_refusal_of("unknown_key");
    CHECK(error.diagnostic() == "BERTH-P-13");
    CHECK(says(error, {"found \"licence\"", "Did you mean \"license\"?"}));
}

TEST_CASE("a manifest that provides a method nobody knows, nearly named as one") {
    const auto error = reading_refusal_of("unknown_method");
    CHECK(error.diagnostic() == "BERTH-P-13");
    CHECK(says(error, {"provides", "\"get_log\"", "Did you mean \"get_logs\"?"}));
}

TEST_CASE("a plugin with a name that is none") {
    const auto error = reading_refusal_of("bad_name");
    CHECK(error.diagnostic() == "BERTH-P-13");
    CHECK(says(error, {"[a-z][a-z0-9_-]{0,31}", "\"Bad Name\""}));
}

TEST_CASE("a manifest for another major version of the contract") {
    const auto error = reading_refusal_of("contract_two");
    CHECK(error.diagnostic() == "BERTH-P-15");
    CHECK(says(error, {"expected major version 1", "found 2"}));
}

TEST_CASE("a schema that refers to itself") {
    const auto error = reading_refusal_of("schema_reference");
    CHECK(error.diagnostic() == "BERTH-P-14");
    CHECK(says(error, {"/config/properties/a", "\"$ref\"", "not accepted"}));
}

TEST_CASE("a schema with a regular expression") {
    const auto error = reading_refusal_of("schema_pattern");
    CHECK(error.diagnostic() == "BERTH-P-14");
    CHECK(says(error, {"/config/properties/a", "\"pattern\"", "not accepted"}));
}

TEST_CASE("a schema that is too deep") {
    const auto error = reading_refusal_of("schema_deep");
    CHECK(error.diagnostic() == "BERTH-P-14");
    CHECK(says(error, {"deeper than 16"}));
}

TEST_CASE("a manifest that is too long") {
    const auto error = reading_refusal_of("schema_huge");
    CHECK(error.diagnostic() == "BERTH-P-13");
    CHECK(says(error, {"65536 bytes"}));
}

TEST_CASE("a file that everybody may change") {
    const auto error = reading_refusal_of("world_writable");
    CHECK(error.diagnostic() == "BERTH-P-04");
    CHECK(says(error, {"everybody", "0646", "chmod go-w"}));
}

TEST_CASE("a directory that everybody may change") {
    const PluginDirectory directory{};
    REQUIRE(::chmod(directory.path().c_str(), 0777) == 0);
    const auto catalog = directory.read();
    CHECK(catalog.files().empty());
    REQUIRE(catalog.problems().size() == 1);
    CHECK(catalog.problems()[0].diagnostic() == "BERTH-P-04");
    CHECK(says(catalog.problems()[0], {"directory", "everybody", "0777"}));
}

TEST_CASE("a file of another user") {
    const PluginDirectory directory{};
    // Whoever runs the test: seen by another user, the file belongs to somebody else. Root's files are fine for
    // everybody, so root gives one away first.
    const auto mine = ::geteuid();
    if (mine == 0) REQUIRE(::chown((directory.path() / "good.so").c_str(), 4711, 0) == 0);
    const auto owner = mine == 0 ? uid_t{4711} : mine;
    const auto rules = mine == 0 ? TrustRules{0} : TrustRules{mine + 1};
    const auto catalog = directory.read(rules);
    const auto& error = mine == 0 ? catalog.files()[0].error.value() : catalog.problems()[0];
    CHECK(error.diagnostic() == "BERTH-P-05");
    CHECK(says(error, {"belongs to user " + std::to_string(owner), "chown"}));
}

TEST_CASE("a file that a group may change, when root can make one") {
    if (::geteuid() != 0) return;
    const PluginDirectory directory{"only_required"};
    const auto path = directory.path() / "only_required.so";
    REQUIRE(::chown(path.c_str(), 0, 4711) == 0);
    REQUIRE(::chmod(path.c_str(), 0775) == 0);
    const auto catalog = directory.read();
    const auto& error = file_named(catalog, "only_required.so").error.value();
    CHECK(error.diagnostic() == "BERTH-P-04");
    CHECK(says(error, {"group 4711", "0775"}));
    REQUIRE(::chown(path.c_str(), 0, 0) == 0);
    const auto again = directory.read();
    CHECK(again.find("only_required").usable());
}

TEST_CASE("a directory, a fifo and a dangling link with a plugin's name") {
    const PluginDirectory directory{};
    REQUIRE(::mkdir((directory.path() / "directory.so").c_str(), 0700) == 0);
    REQUIRE(::mkfifo((directory.path() / "fifo.so").c_str(), 0600) == 0);
    REQUIRE(::symlink("nowhere", (directory.path() / "link.so").c_str()) == 0);
    const auto catalog = directory.read();
    for (const auto* name : {"directory.so", "fifo.so", "link.so"})
        CHECK(file_named(catalog, name).error.value().diagnostic() == "BERTH-P-06");
    CHECK(catalog.find("good").usable());
}

TEST_CASE("two files with one plugin name") {
    PluginDirectory directory{"only_required"};
    directory.add("good", "twin.so");
    const auto catalog = directory.read();
    for (const auto* name : {"good.so", "twin.so"}) {
        const auto& error = file_named(catalog, name).error.value();
        CHECK(error.diagnostic() == "BERTH-P-03");
        CHECK(says(error, {"\"good\"", "/good.so", "/twin.so"}));
    }
    CHECK_THROWS_AS((void)catalog.find("good"), Error);
    CHECK(catalog.find("only_required").usable());
}

TEST_CASE("one file by two names is one plugin") {
    PluginDirectory directory{};
    REQUIRE(::symlink("good.so", (directory.path() / "second.so").c_str()) == 0);
    REQUIRE(::link((directory.path() / "good.so").c_str(), (directory.path() / "third.so").c_str()) == 0);
    const auto catalog = directory.read();
    CHECK(catalog.files().size() == 1);
    CHECK(catalog.find("good").usable());
}

TEST_CASE("half a pair of methods is a warning") {
    const PluginDirectory directory{"half_a_pair"};
    const auto catalog = directory.read();
    const auto& file = catalog.find("half_a_pair");
    REQUIRE(file.warnings.size() == 1);
    CHECK(file.warnings[0].diagnostic() == "BERTH-P-16");
    CHECK(says(file.warnings[0], {"create_snapshot", "but not restore_snapshot", "half_a_pair.so"}));
}

TEST_CASE("reading runs nothing: a plugin that would end the process is listed like any other") {
    const PluginDirectory directory{"traps"};
    const auto catalog = directory.read();
    CHECK(catalog.find("traps").usable());
}
