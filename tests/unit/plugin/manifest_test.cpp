// The manifest, key by key: what is taken, and how each mistake is called.
#include "plugin/manifest.hpp"

#include <doctest/doctest.h>

#include <initializer_list>

using namespace berth;

namespace {

const std::string required =
    "create get list destroy execute execute_stream upload_files download_files "
    "get_resource_usage is_ready restart";

/// A manifest with a name, a version and the keys given; the required methods come as a note.
ReadManifest read(const std::string& keys, const std::string& more_methods = "") {
    return parse_manifest(R"({"name":"acme","version":"1.0.0")" + keys + "}", required + more_methods);
}

struct Refusal {
    std::string number;
    std::string line;
    [[nodiscard]] bool says(std::initializer_list<std::string_view> words) const {
        for (const auto word : words) {
            if (line.find(word) == std::string::npos) return false;
        }
        return true;
    }
};

template <typename Act>
Refusal refusal(const Act& act) {
    try {
        (void)act();
    } catch (const Error& error) {
        return {std::string(error.diagnostic()), error.what()};
    }
    return {"taken", ""};
}

Refusal refusal_of(const std::string& keys, const std::string& more_methods = "") {
    return refusal([&] { return read(keys, more_methods); });
}

Refusal refusal_of_text(const std::string& text) {
    return refusal([&] { return parse_manifest(text, required); });
}

}  // namespace

TEST_CASE("every key arrives") {
    const auto manifest = read(R"(,"description":"d","homepage":"https://acme.test/x","license":"MIT","contract":1,
        "features":["tty","signals"],"config":{"properties":{"port":{"type":"integer"}}})",
                               " get_logs com.acme.gpu/2 berth.snapshots/1")
                              .manifest;
    CHECK(manifest.name == "acme");
    CHECK(manifest.version == "1.0.0");
    CHECK(manifest.description == "d");
    CHECK(manifest.homepage == "https://acme.test/x");
    CHECK(manifest.license == "MIT");
    CHECK(manifest.contract == 1);
    CHECK(manifest.has_feature("tty"));
    CHECK_FALSE(manifest.has_feature("ttl"));
    CHECK(manifest.provides_name("get_logs"));
    CHECK(manifest.config.options().size() == 1);
    // In the order of the table, then extensions by name.
    REQUIRE(manifest.provides.size() == 14);
    CHECK(manifest.provides.front() == "create");
    CHECK(manifest.provides[11] == "get_logs");
    CHECK(manifest.provides[12] == "berth.snapshots/1");
    CHECK(manifest.provides[13] == "com.acme.gpu/2");
}

TEST_CASE("a plugin without options has a schema that takes none") {
    CHECK(read("").manifest.config.options().empty());
    CHECK(read("").warnings.empty());
}

TEST_CASE("provides may stand in the text, or in the note, or equally in both") {
    std::string list;
    for (const auto* name : {"create", "get", "list", "destroy", "execute", "execute_stream", "upload_files",
                             "download_files", "get_resource_usage", "is_ready"})
        list += std::string("\"") + name + "\",";
    const std::string text = R"({"name":"acme","version":"1","provides":[)" + list + R"("restart"]})";
    CHECK(parse_manifest(text, std::nullopt).manifest.provides.size() == 11);
    CHECK(parse_manifest(text, required).manifest.provides.size() == 11);
    const auto differs = refusal([&] { return parse_manifest(text, required + " get_logs"); });
    CHECK(differs.number == "BERTH-P-13");
    const auto none = refusal([&] { return parse_manifest(R"({"name":"a","version":"1"})", std::nullopt); });
    CHECK(none.number == "BERTH-P-13");
    CHECK(none.says({"\"provides\"", "BERTH_PLUGIN"}));
}

TEST_CASE("what is not a JSON object") {
    for (const auto* text : {"", "[]", "null", "{", "{\"name\":1,\"name\":2}", "\"x\""})
        CHECK(refusal_of_text(text).number == "BERTH-P-12");
}

TEST_CASE("a missing or wrong value is named with what was expected and what was found") {
    CHECK(refusal_of_text(R"({"version":"1"})").says({"BERTH-P-13", "\"name\"", "found nothing"}));
    CHECK(refusal_of_text(R"({"name":"a"})").says({"BERTH-P-13", "\"version\"", "found nothing"}));
    CHECK(refusal_of_text(R"({"name":7,"version":"1"})").says({"BERTH-P-13", "\"name\"", "found 7"}));
    CHECK(refusal_of_text(R"({"name":"a","version":""})").says({"BERTH-P-13", "\"version\""}));
    CHECK(refusal_of_text(R"({"name":"a","version":"1 0"})").says({"BERTH-P-13", "\"version\"", "\"1 0\""}));
    CHECK(refusal_of(R"x(,"homepage":"javascript:alert(1)")x").says({"BERTH-P-13", "http(s)"}));
    CHECK(refusal_of(R"(,"homepage":"https://a\u001b[2J")").says({"BERTH-P-13", "http(s)"}));
    CHECK(refusal_of(R"(,"description":["a"])").says({"BERTH-P-13", "found a list"}));
    CHECK(refusal_of(R"(,"description":")" + std::string(1025, 'd') + "\"").number == "BERTH-P-13");
    CHECK(refusal_of(R"(,"features":"tty")").says({"BERTH-P-13", "\"features\"", "list"}));
    CHECK(refusal_of(R"(,"features":["tty","tty"])").says({"BERTH-P-13", "\"tty\" twice"}));
    CHECK(refusal_of(R"(,"features":[1])").number == "BERTH-P-13");
    CHECK(refusal_of(R"(,"contract":"1")").number == "BERTH-P-13");
    CHECK(refusal_of(R"(,"config":[])").number == "BERTH-P-14");
}

TEST_CASE("names of plugins") {
    for (const auto* name : {"a", "acme-2_x", "abcdefghijklmnopqrstuvwxyz012345"})
        CHECK(refusal_of_text(R"({"version":"1","name":")" + std::string(name) + "\"}").number == "taken");
    for (const auto* name : {"", "A", "2a", "-a", "a.b", "a/b", "..", "abcdefghijklmnopqrstuvwxyz0123456"})
        CHECK(refusal_of_text(R"({"version":"1","name":")" + std::string(name) + "\"}").number == "BERTH-P-13");
}

TEST_CASE("an unknown key is refused with the nearest known one, before anything else is looked at") {
    CHECK(refusal_of(R"(,"feature":["tty"])").says({"BERTH-P-13", "\"feature\"", "Did you mean \"features\"?"}));
    CHECK(refusal_of(R"(,"zzzzzz":1)").says({"BERTH-P-13", "\"zzzzzz\"", "Take the key out"}));
}

TEST_CASE("another major version of the contract is told as that, whatever else is in the manifest") {
    CHECK(refusal_of_text(R"({"contract":2,"something_new":true})").says({"BERTH-P-15", "found 2"}));
    CHECK(refusal_of_text(R"({"contract":0})").number == "BERTH-P-13");
}

TEST_CASE("provides names methods and extensions; a slip is refused, a method of a later minor is kept") {
    CHECK(refusal_of("", " get_log").says({"BERTH-P-13", "Did you mean \"get_logs\"?"}));
    CHECK(refusal_of("", " get_logs get_logs").says({"BERTH-P-13", "\"get_logs\" twice"}));
    CHECK(refusal_of("", " list_snapshots").says({"BERTH-P-13", "berth.snapshots/1"}));
    CHECK(refusal_of("", " Create!").number == "BERTH-P-13");
    const auto later = read("", " hibernate");
    CHECK(later.manifest.provides_name("hibernate"));
    REQUIRE(later.warnings.size() == 1);
    CHECK(later.warnings[0].diagnostic() == "BERTH-P-17");
}

TEST_CASE("required methods that are not provided are all named") {
    const auto refused =
        refusal([] { return parse_manifest(R"({"name":"a","version":"1"})", std::string("create get list destroy")); });
    CHECK(refused.says({"BERTH-P-24", "7 of the 11", "execute, execute_stream,", "is_ready and restart"}));
}

TEST_CASE("an unknown feature and half a pair are warnings") {
    const auto feature = read(R"(,"features":["ttyy"])");
    REQUIRE(feature.warnings.size() == 1);
    CHECK(feature.warnings[0].diagnostic() == "BERTH-P-17");
    for (const auto* half :
         {" create_snapshot", " restore_snapshot", " set_environment_variables", " get_environment_variables"}) {
        const auto read_half = read("", half);
        REQUIRE(read_half.warnings.size() == 1);
        CHECK(read_half.warnings[0].diagnostic() == "BERTH-P-16");
    }
    CHECK(read("", " create_snapshot restore_snapshot").warnings.empty());
}
