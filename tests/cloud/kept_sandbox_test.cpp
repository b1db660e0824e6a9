// What is kept of a sandbox: byte for byte in the host's state, what is no secret in labels, variables within their limit.
#include "cloud/kept_sandbox.hpp"

#include <doctest/doctest.h>

using namespace berth_cloud;

namespace {

KeptSandbox full() {
    KeptSandbox kept;
    kept.idempotency_key = "key";
    kept.name = "a name, ünïcode";
    kept.template_name = "node22";
    kept.persistent = true;
    kept.env = {{"A", "\xff\n\"", true}, {"B", ""}};
    kept.labels = {{"empty", ""}, {"team", "core"}};
    kept.cwd = "/srv/x";
    kept.timeout_ms = 500;
    kept.last_used_at = 1'700'000'000'000;
    return kept;
}

/// Pairs that live as long as this.
struct Given {
    std::vector<berth_pair> pairs;
    berth::Pairs of(const std::vector<std::pair<std::string, std::string>>& values) {
        pairs.clear();
        for (const auto& [name, value] : values)
            pairs.push_back({{name.data(), name.size()}, {value.data(), value.size()}, 0});
        return berth::Pairs{berth_pairs{pairs.data(), pairs.size()}};
    }
};

}  // namespace

TEST_CASE("what is kept comes back byte for byte") {
    const KeptSandbox again = kept_in(parse_json(to_json(full()).dump()));
    CHECK(again.idempotency_key == "key");
    CHECK(again.name == full().name);
    CHECK(again.template_name == "node22");
    CHECK(again.persistent);
    CHECK(again.env == full().env);
    CHECK(again.labels == full().labels);
    CHECK(again.cwd == "/srv/x");
    CHECK(again.timeout_ms == 500);
    CHECK(again.last_used_at == 1'700'000'000'000);
    CHECK(kept_in(parse_json("garbage")).env.empty());
}

TEST_CASE("labels carry everything but the environment, and what is no UTF-8 stays here") {
    KeptSandbox kept = full();
    kept.labels.set("odd", "\xff");
    const auto texts = label_texts(kept);
    for (const auto& [name, text] : texts) {
        CHECK(text.find("\xff") == std::string::npos);
        CHECK(text.find("secret") == std::string::npos);
    }
    const KeptSandbox again = kept_in_labels(texts);
    CHECK(again.labels == full().labels);
    CHECK(again.name == full().name);
    CHECK(again.cwd == "/srv/x");
    CHECK(again.persistent);
    CHECK(again.env.empty());
    CHECK(kept_in_labels({{"berth-run", "[[["}, {"berth-labels", "7"}}).labels.empty());
}

TEST_CASE("variables are merged, a secret stays one, and too many change nothing that is stored") {
    berth::Variables env = full().env;
    Given given;
    const std::vector<std::pair<std::string, std::string>> some{{"A", "new"}, {"C", "1"}};
    change_variables(env, given.of(some), {"B"});
    CHECK(*env.find("A") == "new");
    for (const berth::Variable& item : env)
        CHECK(item.secret == (item.name == "A"));
    CHECK(env.find("B") == nullptr);
    CHECK(*env.find("C") == "1");
    const std::vector<std::pair<std::string, std::string>> fits{{"L", std::string((128U << 10) - 20, 'x')}};
    change_variables(env, given.of(fits), {});
    const std::vector<std::pair<std::string, std::string>> more{{"M", std::string(100, 'x')}};
    try {
        change_variables(env, given.of(more), {});
        FAIL("it was taken");
    } catch (const berth::Error& error) {
        CHECK(error.code() == berth::Code::resource_exhausted);
        CHECK(error.outcome() == berth::Outcome::none);
    }
}

TEST_CASE("one key is one id in a provider, and another in another") {
    CHECK(id_of_key("a", "key") == id_of_key("a", "key"));
    CHECK(id_of_key("a", "key") != id_of_key("b", "key"));
    CHECK(id_of_key("a", "key").rfind("berth-", 0) == 0);
    CHECK(id_of_key("a", "../x").find('/') == std::string::npos);
}
