// What templates need before any sandbox is made: names, ranges of ids, and clear words when one of them is missing.
#include "local/features.hpp"
#include "local/subordinate_ids.hpp"
#include "local/templates.hpp"
#include "room.hpp"

using namespace room;
using Paths = std::map<std::string, std::string>;

TEST_CASE("without a range of ids the feature is withdrawn, with what would enable it") {
    rooms::Settings settings = Provider().settings();
    settings.template_uid_range = {4'293'000'000U, 900'000};
    settings.own_accounts = true;
    const auto reason = [&] {
        std::optional<std::string> found;
        for (const rooms::WithdrawnFeature& feature : rooms::withdrawn_features(settings)) {
            if (feature.name == "template") {
                found = feature.reason;
            }
        }
        return found;
    };
    if (::geteuid() == 0) {
        CHECK_FALSE(reason());
    }
    settings.own_accounts = false;
    const rooms::SubordinateIds range = rooms::subordinate_ids();
    CHECK(reason().has_value() != range.first.has_value());
    if (reason()) {
        CHECK(reason()->find(range.remedy) != std::string::npos);
    }
}

TEST_CASE("a user's range is what both files give, by name or number") {
    const auto range = [](const char* subuid, const char* subgid) {
        return rooms::common_range(subuid, subgid, "ann", 1234);
    };
    CHECK(range("ann:100000:65536\n", "ann:100000:65536\n") == 100'000);
    CHECK(range("bob:1:65536\n1234:200000:65536", "ann:200000:65536") == 200'000);
    CHECK(range("ann:100000:65536\nann:300000:200000\n", "ann:310000:165536\n") == 310'000);
    CHECK_FALSE(range("ann:100000:65535\n", "ann:100000:65536\n").has_value());
    CHECK_FALSE(range("ann:100000:65536\n", "ann:200000:65536\n").has_value());
    CHECK_FALSE(range("ann:0:65536\n", "ann:0:65536\n").has_value());
    CHECK_FALSE(range("ann:x:65536\nann:1:\nann\n:::\n", "ann:100000:65536\n").has_value());
    CHECK_FALSE(range("", "").has_value());
}

TEST_CASE("an unknown template is named together with those that there are") {
    const TemporaryDirectory directory;
    const rooms::Trees trees(BERTH_ROOT_PROGRAM);
    const rooms::UidClaims blocks(directory.path() / "uids", {131'072, 131'072}, 65'536);
    const auto with = [&](Paths paths) {
        return rooms::Templates(std::move(paths), directory.path() / "cache", {}, trees, &blocks);
    };
    TestCaller caller;
    const auto find = [&](const rooms::Templates& templates, const char* name) {
        return failure_of([&] { (void)templates.prepare(name, caller, [](const std::string&) { return true; }); });
    };
    const rooms::Templates templates =
        with({{"debian", "/srv/debian"}, {"gone", "/nowhere/at/all"}, {"odd", "/dev/null"}});
    const rooms::Failure unknown = find(templates, "nope");
    CHECK(unknown.code == BERTH_TEMPLATE_NOT_FOUND);
    CHECK(unknown.message.find("host, debian, gone") != std::string::npos);
    CHECK(find(templates, "gone").code == BERTH_TEMPLATE_NOT_FOUND);
    CHECK(find(templates, "odd").code == BERTH_INVALID_ARGUMENT);
    CHECK(failure_of([&] { (void)with({{"host", "/srv/x"}}); }).code == BERTH_INVALID_ARGUMENT);
    CHECK(failure_of([&] { (void)with({{"x", "srv/x"}}); }).code == BERTH_INVALID_ARGUMENT);
}

TEST_CASE("ranges for accounts and for templates that overlap are refused, and blocks are never cut differently") {
    const TemporaryDirectory directory;
    const rooms::UidClaims claims(directory.path() / "uids", {100'000, 3 * 65'536}, 65'536);
    std::filesystem::create_directory(directory.path() / "a");
    std::filesystem::create_directory(directory.path() / "b");
    const std::uint32_t one = claims.claim(directory.path() / "a");
    const std::uint32_t two = claims.claim(directory.path() / "b");
    CHECK(one % 65'536 == 0);
    CHECK(two % 65'536 == 0);
    CHECK(one != two);
    CHECK(one >= 100'000);
    CHECK(failure_of([&] { (void)claims.claim(directory.path() / "c"); }).code == BERTH_RESOURCE_EXHAUSTED);
    if (::geteuid() == 0) {
        rooms::Settings settings = Provider().settings();
        settings.template_uid_range = {settings.uid_range.first - 10, 131'072};
        CHECK(failure_of([&] { const rooms::Sandboxes wrong(settings); }).code == BERTH_INVALID_ARGUMENT);
    }
}
