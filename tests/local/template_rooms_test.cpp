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
    if (::geteuid() == 0) {
        CHECK(rooms::withdrawn_features(settings).empty());
    }
    settings.own_accounts = false;
    const std::vector<rooms::WithdrawnFeature> withdrawn = rooms::withdrawn_features(settings);
    const rooms::SubordinateIds range = rooms::subordinate_ids();
    CHECK(withdrawn.empty() == range.first.has_value());
    if (!withdrawn.empty()) {
        CHECK(withdrawn[0].name == "template");
        CHECK(withdrawn[0].reason.find(range.remedy) != std::string::npos);
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
    const rooms::Templates templates({{"debian", "/srv/debian"}, {"gone", "/nowhere/at/all"}});
    const rooms::Failure unknown = failure_of([&] { (void)templates.find("nope"); });
    CHECK(unknown.code == BERTH_TEMPLATE_NOT_FOUND);
    CHECK(unknown.message.find("host, debian, gone") != std::string::npos);
    CHECK(failure_of([&] { (void)templates.find("gone"); }).code == BERTH_TEMPLATE_NOT_FOUND);
    CHECK(failure_of([&] { const rooms::Templates wrong(Paths{{"host", "/srv/x"}}); }).code == BERTH_INVALID_ARGUMENT);
    CHECK(failure_of([&] { const rooms::Templates wrong(Paths{{"x", "srv/x"}}); }).code == BERTH_INVALID_ARGUMENT);
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
