// Which features a request needs.
#include "provider/request_fields.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace berth;

namespace {

template <typename Request>
std::vector<std::string> features(const Request& request) {
    std::vector<std::string> names;
    for (const auto& one : needed_features(request))
        names.emplace_back(one.feature);
    return names;
}

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("an empty request needs nothing") {
    CHECK(features(SandboxConfig{}).empty());
    CHECK(features(ProcessConfig{}).empty());
}

TEST_CASE("what every provider has needs no feature") {
    SandboxConfig config;
    config.name = "x";
    config.labels = {{"a", "b"}};
    config.setup_commands = {"true"};
    config.environment.env = {{"A", "b"}};
    config.environment.cwd = "/";
    config.environment.timeout = Milliseconds(5);
    config.extra = {{"a", "b"}};
    CHECK(features(config).empty());
}

TEST_CASE("each restricting field of a sandbox needs its feature, a limit of 0 none") {
    SandboxConfig config;
    config.environment.memory_limit_mib = 0;
    config.environment.cpu_limit = 0.0;
    config.ttl = Milliseconds(0);
    CHECK(features(config).empty());
    config.environment.memory_limit_mib = 1;
    config.environment.cpu_limit = 0.5;
    config.ttl = Milliseconds(1);
    config.idle_ttl = Milliseconds(1);
    config.disk_limit_mib = 1;
    config.pids_limit = 1;
    config.persistent = true;
    config.template_name = "";
    CHECK(features(config) ==
          Names{"persistent", "memory_limit", "cpu_limit", "template", "ttl", "idle_ttl", "disk_limit", "pids_limit"});
}

TEST_CASE("each network needs its own feature") {
    SandboxConfig config;
    config.network = NetworkMode::none;
    CHECK(features(config) == Names{"network_none"});
    config.network = NetworkMode::host;
    CHECK(features(config) == Names{"network_host"});
    config.network = NetworkMode::outbound;
    CHECK(features(config) == Names{"network_outbound"});
    config.network = NetworkMode::allow_list;
    CHECK(features(config) == Names{"network_allow_list"});
}

TEST_CASE("a process needs features for stdin, a terminal and limits of its own") {
    ProcessConfig process;
    process.interactive = true;
    process.terminal = Terminal{};
    process.environment.memory_limit_mib = 64;
    CHECK(features(process) == Names{"stdin", "tty", "process_limits"});
    CHECK(needed_features(process)[2].field == "memory_limit");
}
