// The meaning of every key of berth.yaml, and the number and place of everything that is wrong with one.
#include "config/configuration_reader.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <string>

#include "config_support.hpp"

using namespace berth;
using namespace std::chrono_literals;

namespace {

Configuration good(const std::string& lines) {
    auto read = read_text("version: 1\n" + lines);
    REQUIRE(places_of(read.problems) == "");
    return std::move(read.configuration);
}

/// The problem of one line below `providers: local: plugin: local`; the line is the fifth, its key in column 5.
std::string in_provider(const std::string& line) {
    return problems_below_version("providers:\n  local:\n    plugin: local\n    " + line + "\n");
}

/// The problem of one key of `defaults`; the line is the third, its key in column 3.
std::string in_defaults(const std::string& line) {
    return problems_below_version("defaults:\n  " + line + "\n");
}

}  // namespace

TEST_CASE("a file that says only its version configures the provider local") {
    const auto configuration = good("");
    REQUIRE(configuration.providers.size() == 1);
    CHECK(configuration.providers[0].name == "local");
    CHECK(configuration.providers[0].plugin == "local");
    CHECK(configuration.default_provider == "local");
    CHECK(configuration.source() == test_file());
}

TEST_CASE("what is not written has its default") {
    const auto configuration = good("providers: {a: {plugin: b}}\n");
    const auto& provider = configuration.providers.at(0);
    CHECK(provider.run == RunMode::automatic);
    CHECK(provider.worker.memory_bytes == std::uint64_t{512} * 1024 * 1024);
    CHECK_FALSE(provider.worker.cpus.has_value());
    CHECK(provider.max_concurrency == 16);
    CHECK(provider.max_streams == 256);
    CHECK(provider.deadlines.empty());
    CHECK(provider.restart_loss == RestartLoss::refuse);
    CHECK(provider.config.value == nlohmann::json::object());
    const auto& defaults = configuration.defaults;
    CHECK_FALSE(defaults.timeout.has_value());
    CHECK(defaults.kill_grace == 2s);
    CHECK(defaults.drain_grace == 200ms);
    CHECK(defaults.max_output_bytes == 16U * 1024 * 1024);
    CHECK(defaults.autostart == Autostart::off);
    CHECK(defaults.on_unsupported == OnUnsupported::refuse);
    CHECK(defaults.download.max_files == 1'000'000);
    CHECK(defaults.download.max_bytes == std::uint64_t{100} * 1024 * 1024 * 1024);
}

TEST_CASE("every key is read") {
    const auto configuration = good(R"(
plugins:
  paths: [rel, /abs/x/../y, ~/p]
  policy: pinned
  pins: {acme: sha256:ab12ab12ab12ab12ab12ab12ab12ab12ab12ab12ab12ab12ab12ab12ab12ab12}
providers:
  zebra:
    plugin: local
    run: in_process
    worker: {memory: none, cpus: 2}
    requires: [create_snapshot, memory_limit]
    labels: {team: core, "a/b": "5", n: no}
    max_concurrency: 1
    max_streams: 10000
    deadlines: {create: 5m, list: none, destroy: 0, execute_stream: 1.5s}
    allow_restart_loss: true
    config: {x: 5}
  alpha: {plugin: other-plugin}
select: {default: alpha}
defaults:
  timeout: 90s
  labels: {l: v}
  kill_grace: 0
  drain_grace: 1s
  max_output_bytes: 1GiB
  autostart: true
  on_unsupported: warn
  download: {max_files: 5, max_bytes: 7}
)");
    REQUIRE(configuration.plugin_paths.size() == 3);
    CHECK(configuration.plugin_paths[0] == "/etc/berth/rel");
    CHECK(configuration.plugin_paths[1] == "/abs/y");
    CHECK(configuration.plugin_paths[2] == "/home/me/p");
    CHECK(configuration.plugin_pins.policy == PluginPolicy::pinned);
    REQUIRE(configuration.plugin_pins.by_plugin.size() == 1);
    CHECK(configuration.plugin_pins.by_plugin.at("acme").hash ==
          "sha256:ab12ab12ab12ab12ab12ab12ab12ab12ab12ab12ab12ab12ab12ab12ab12ab12");
    CHECK(configuration.location(configuration.plugin_pins.by_plugin.at("acme").place) == test_file() + ":6:16");
    REQUIRE(configuration.providers.size() == 2);
    const auto& zebra = configuration.providers[0];
    CHECK(zebra.name == "zebra");
    CHECK(configuration.location(zebra.place) == test_file() + ":8:3");
    CHECK(configuration.location(zebra.plugin_place) == test_file() + ":9:13");
    REQUIRE(zebra.requires_.size() == 2);
    CHECK(zebra.requires_[1].name == "memory_limit");
    CHECK(zebra.requires_[1].place == Place{12, 33});
    CHECK(zebra.run == RunMode::in_process);
    CHECK_FALSE(zebra.worker.memory_bytes.has_value());
    CHECK(zebra.worker.cpus == 2);
    CHECK(zebra.labels == Labels{{"team", "core"}, {"a/b", "5"}, {"n", "no"}});
    CHECK(zebra.max_concurrency == 1);
    CHECK(zebra.max_streams == 10'000);
    REQUIRE(zebra.deadlines.size() == 4);
    CHECK(zebra.deadlines.at("create") == Milliseconds(5min));
    CHECK_FALSE(zebra.deadlines.at("list").has_value());
    CHECK_FALSE(zebra.deadlines.at("destroy").has_value());
    CHECK(zebra.deadlines.at("execute_stream") == Milliseconds(1500));
    CHECK(zebra.restart_loss == RestartLoss::allow);
    CHECK(zebra.config.value.at("x") == 5);
    CHECK(configuration.find("alpha")->plugin == "other-plugin");
    CHECK(configuration.find("beta") == nullptr);
    CHECK(configuration.default_provider == "alpha");
    const auto& defaults = configuration.defaults;
    CHECK(defaults.timeout == Milliseconds(90s));
    CHECK(defaults.labels == Labels{{"l", "v"}});
    CHECK(defaults.kill_grace == 0s);
    CHECK(defaults.drain_grace == 1s);
    CHECK(defaults.max_output_bytes == 1U << 30U);
    CHECK(defaults.autostart == Autostart::on);
    CHECK(defaults.on_unsupported == OnUnsupported::warn);
    CHECK(defaults.download.max_files == 5);
    CHECK(defaults.download.max_bytes == 7);
}

TEST_CASE("keys without anything behind them count as not there") {
    const auto configuration = good("plugins:\nproviders:\nselect:\ndefaults:\n");
    CHECK(configuration.providers.at(0).name == "local");
    good("plugins: {paths: }\nproviders: {a: {plugin: a, labels: , requires: , deadlines: , config: }}\n");
}

TEST_CASE("the version has to be there and to be one") {
    CHECK(problems_of("") == "C-14 1:1");
    CHECK(problems_of("\n\nproviders: {a: {plugin: a}}\n") == "C-14 3:1");
    CHECK(problems_of("version: 2\n") == "C-23 1:10");
    CHECK(problems_of("version: \"1\"\n") == "C-23 1:10");
    CHECK(problems_of("version:\n") == "C-23 1:1");
}

TEST_CASE("the whole has to be a map") {
    CHECK(problems_of("[version, 1]\n") == "C-15 1:1");
    CHECK(problems_of("version 1\n") == "C-15 1:1");
}

TEST_CASE("unknown keys are refused everywhere, with the nearest known name") {
    CHECK(problems_below_version("provider: {}\n") == "C-13 2:1");
    CHECK(messages_of("version: 1\nprovidres: {}\n").find("Did you mean providers?") != std::string::npos);
    CHECK(problems_below_version("plugins: {path: []}\n") == "C-13 2:11");
    CHECK(in_provider("max_stream: 5") == "C-13 5:5");
    CHECK(problems_below_version("select: {defualt: local}\n") == "C-13 2:10");
    CHECK(in_defaults("killgrace: 2s") == "C-13 3:3");
    CHECK(in_defaults("download: {max_file: 5}") == "C-13 3:14");
    CHECK(in_provider("deadlines: {creat: 5m}") == "C-13 5:17");
    CHECK(messages_of("version: 1\nqqqqqqqqqqqq: 1\n").find("Known: version, plugins") != std::string::npos);
}

TEST_CASE("keys of later issues are unknown until they are built") {
    CHECK(problems_below_version("select: {rules: []}\n") == "C-13 2:10");
    CHECK(in_provider("worker: {memory: 512MiB}").empty());
    CHECK(in_provider("worker: {memory: none}").empty());
    CHECK(in_provider("worker: {memory: 1MiB}") == "C-16 5:22");
    CHECK(in_provider("worker: {cpus: 0}") == "C-16 5:20");
    CHECK(in_provider("worker: {threads: 4}") == "C-13 5:14");
}

TEST_CASE("where a plugin lives is one of three words") {
    CHECK(in_provider("run: worker").empty());
    CHECK(in_provider("run: automatic").empty());
    CHECK(in_provider("run: thread") == "C-16 5:10");
}

TEST_CASE("providers have names, plugins and nothing else for a value") {
    CHECK(problems_below_version("providers: {Local: {plugin: a}}\n") == "C-17 2:13");
    CHECK(problems_below_version("providers: {" + std::string(33, 'a') + ": {plugin: a}}\n") == "C-17 2:13");
    CHECK(problems_below_version("providers: {a: {}}\n") == "C-14 2:13");
    CHECK(problems_below_version("providers:\n  a:\n") == "C-14 3:3");
    CHECK(problems_below_version("providers: {a: local}\n") == "C-15 2:16");
    CHECK(problems_below_version("providers: [a]\n") == "C-15 2:12");
    CHECK(problems_below_version("providers: {}\n") == "C-14 2:12");
    CHECK(problems_below_version("providers: {a: {plugin: A/../b}}\n") == "C-17 2:25");
    CHECK(problems_below_version("providers: {a: {plugin: 5}}\n") == "C-15 2:25");
    CHECK(problems_below_version("providers: {a: {plugin: a}, a: {plugin: b}}\n") == "C-12 2:29");
}

TEST_CASE("the default has to be a provider that is there") {
    CHECK(problems_below_version("select: {default: lokal}\n") == "C-18 2:19");
    CHECK(messages_of("version: 1\nselect: {default: lokal}\n").find("Did you mean local?") != std::string::npos);
    CHECK(problems_below_version("select: {default: 5}\n") == "C-15 2:19");
    CHECK(problems_below_version("select: {default: }\n") == "C-15 2:19");
    CHECK(good("providers: {a: {plugin: x}}\n").default_provider == "a");
    CHECK_FALSE(good("providers: {a: {plugin: x}, b: {plugin: x}}\n").default_provider.has_value());
}

TEST_CASE("numbers are whole, in their range, and not in quotes") {
    CHECK(in_provider("max_streams: \"5\"") == "C-15 5:18");
    CHECK(in_provider("max_streams: 5.0") == "C-15 5:18");
    CHECK(in_provider("max_streams: yes") == "C-15 5:18");
    CHECK(in_provider("max_streams:") == "C-15 5:5");
    CHECK(in_provider("max_streams: [5]") == "C-15 5:18");
    for (const char* number : {"0", "-1", "10001", "010", "99999999999999999999"})
        CHECK(in_provider("max_concurrency: " + std::string(number)) == "C-16 5:22");
}

TEST_CASE("true and false are words without quotes, and yes is neither") {
    CHECK(in_provider("allow_restart_loss: yes") == "C-15 5:25");
    CHECK(in_provider("allow_restart_loss: \"true\"") == "C-15 5:25");
    CHECK(in_defaults("autostart: on") == "C-15 3:14");
    CHECK(in_defaults("autostart: 1") == "C-15 3:14");
}

TEST_CASE("durations have units") {
    for (const char* text : {"5", "-1s", "5 m", "1h30m", "soon", "1e3s", "none"})
        CHECK(in_defaults("kill_grace: " + std::string(text)) == "C-16 3:15");
    CHECK(in_defaults("kill_grace: {s: 5}") == "C-15 3:15");
    CHECK(in_defaults("timeout: 5") == "C-16 3:12");
    CHECK(in_defaults("timeout:") == "C-15 3:3");
    CHECK(in_provider("deadlines: {create: 5}") == "C-16 5:25");
    CHECK(in_provider("deadlines: [create]") == "C-15 5:16");
}

TEST_CASE("sizes are whole bytes in their range") {
    for (const char* text : {"0", "2GiB", "1.5MiB", "16MB", "-1", "lots"})
        CHECK(in_defaults("max_output_bytes: " + std::string(text)) == "C-16 3:21");
    CHECK(in_defaults("max_output_bytes: [1]") == "C-15 3:21");
    CHECK(in_defaults("download: {max_bytes: 0}") == "C-16 3:25");
    CHECK(in_defaults("download: {max_files: 0}") == "C-16 3:25");
    CHECK(in_defaults("download: 5") == "C-15 3:13");
}

TEST_CASE("words are one of those there are") {
    CHECK(in_defaults("on_unsupported: ignore") == "C-16 3:19");
    CHECK(in_defaults("on_unsupported: ") == "C-15 3:3");
}

TEST_CASE("labels are text") {
    CHECK(in_provider("labels: {a: 5}") == "C-15 5:17");
    CHECK(in_provider("labels: {a: true}") == "C-15 5:17");
    CHECK(in_provider("labels: {a: [b]}") == "C-15 5:17");
    CHECK(in_provider("labels: {a: ~}") == "C-15 5:17");
    CHECK(in_defaults("labels: [a]") == "C-15 3:11");
}

TEST_CASE("requirements are names") {
    CHECK(in_provider("requires: execute") == "C-15 5:15");
    CHECK(in_provider("requires: [executeStream]") == "C-17 5:16");
    CHECK(in_provider("requires: [a, {b: c}]") == "C-15 5:19");
}

TEST_CASE("plugin paths are text that leads somewhere") {
    CHECK(problems_below_version("plugins: {paths: /a}\n") == "C-15 2:18");
    CHECK(problems_below_version("plugins: {paths: [5, \"\", ~root/x]}\n") == "C-15 2:19, C-16 2:22, C-16 2:26");
    CHECK(problems_below_version("plugins: {paths: [~]}\n") == "C-15 2:19");
}

TEST_CASE("pins are hashes by the name of a plugin, and the policy is one of two words") {
    CHECK(good("plugins: {policy: any, pins: }\n").plugin_pins.policy == PluginPolicy::any);
    CHECK(problems_below_version("plugins: {policy: x}\n") == "C-16 2:19");
    CHECK(problems_below_version("plugins: {policy: [pinned]}\n") == "C-15 2:19");
    CHECK(problems_below_version("plugins: {pins: [acme]}\n") == "C-15 2:17");
    CHECK(problems_below_version("plugins:\n  pins: {Acme: x, acme: 5, b: sha256:12}\n") ==
          "C-17 3:10, C-15 3:25, C-16 3:31");
    CHECK(messages_of("version: 1\nplugins: {pins: {acme: abc}}\n").find("berth plugin inspect") != std::string::npos);
}

TEST_CASE("references are only for a provider's config") {
    CHECK(problems_below_version("plugins: {paths: [\"${env:NAME}/x\"]}\n") == "C-20 2:19");
    CHECK(in_provider("labels: {a: \"${env:NAME}\"}") == "C-20 5:17");
    CHECK(in_defaults("labels: {a: \"${NAME}\"}") == "C-20 3:15");
    CHECK(good("defaults: {labels: {a: \"$${env:NAME}\"}}\n").defaults.labels.at("a") == "${env:NAME}");
}

TEST_CASE("a provider's config keeps references as text and knows every place") {
    const auto configuration = good(R"(
providers:
  a:
    plugin: a
    config:
      token: "${env:SECRET}"
      list: [1, {deep: "${file:x}"}]
      "a/b~c": no
)");
    const auto& tree = configuration.providers[0].config;
    CHECK(tree.value.at("token") == "${env:SECRET}");
    CHECK(tree.value.at("a/b~c") == "no");
    CHECK(tree.location_of("/token") == test_file() + ":7:14");
    CHECK(tree.location_of("/list/1/deep") == test_file() + ":8:24");
    CHECK(tree.location_of("/a~1b~0c") == test_file() + ":9:16");
    CHECK(tree.location_of("/list/1/other/deeper") == test_file() + ":8:17");
    CHECK(tree.location_of("/missing") == test_file() + ":7:7");
    CHECK(tree.location_of("") == test_file() + ":7:7");
    CHECK(tree.directory == "/etc/berth");
}

TEST_CASE("without a config, its place is the provider's name") {
    const auto configuration = good("providers: {a: {plugin: a}, b: {plugin: a, config: }}\n");
    CHECK(configuration.providers[0].config.location_of("/token") == test_file() + ":2:13");
    CHECK(configuration.providers[1].config.location_of("/token") == test_file() + ":2:29");
}

TEST_CASE("what is wrong inside a config is said without its values") {
    CHECK(in_provider("config: hunter2") == "C-15 5:13");
    CHECK(in_provider("config: [hunter2]") == "C-15 5:13");
    CHECK(in_provider("config: {a: 0777, b: .inf}") == "C-24 5:17, C-24 5:26");
    CHECK(in_provider("config: {a: \"${hunter2}\", b: [\"x${env:hunter2\"]}") == "C-20 5:17, C-20 5:35");
    const auto text = messages_of("version: 1\nproviders: {a: {plugin: a, config: hunter2}}\n") +
                      messages_of("version: 1\nproviders: {a: {plugin: a, config: {a: \"${hunter2\"}}}\n") +
                      messages_of("version: 1\nproviders: {a: {plugin: a, config: {a: hunter2: 5}}}\n");
    CHECK(text.find("hunter2") == std::string::npos);
}

TEST_CASE("long keys above many values do not become gigabytes of pointers") {
    std::string text = "version: 1\nproviders: {a: {plugin: a, config: ";
    for (int depth = 0; depth < 50; ++depth)
        text += "{" + std::string(128, 'k') + ": ";
    text += "[";
    for (int count = 0; count < 10'000; ++count)
        text += "1,";
    text += "1]" + std::string(50, '}') + "}}\n";
    CHECK(problems_of(text) == "C-07 2:36");
}

TEST_CASE("all problems of a file are told at once, in its order") {
    CHECK(problems_of("versoin: 1\nproviders:\n  a: {plugin: A, run: worker}\n  a: {}\ndefaults: {timeout: 5}\n") ==
          "C-13 1:1, C-14 1:1, C-17 3:15, C-12 4:3, C-16 5:21");
}

TEST_CASE("how requests leave the host is read from http") {
    const auto read = read_text(
        "version: 1\n"
        "http:\n"
        "  proxy: http://proxy.example.org:3128\n"
        "  no_proxy: [internal.example.org, 10.0.0.1]\n"
        "  ca_file: certificates/own.pem\n"
        "  connect_timeout: 3s\n");
    REQUIRE(read.problems.empty());
    const auto& http = read.configuration.http;
    CHECK(http.proxy == "http://proxy.example.org:3128");
    CHECK(http.no_proxy == std::vector<std::string>{"internal.example.org", "10.0.0.1"});
    CHECK(http.ca_file == "/etc/berth/certificates/own.pem");
    CHECK(http.connect_timeout == std::chrono::seconds{3});
    CHECK(read_text("version: 1\nhttp: {proxy: \"\"}\n").configuration.http.proxy == "");
    CHECK_FALSE(read_text("version: 1\n").configuration.http.proxy);
}

TEST_CASE("a proxy is an address, and a password has no place in the file") {
    CHECK(problems_below_version("http: {proxy: \"http://me:secret@proxy:3128\"}\n") == "C-16 2:15");
    CHECK(problems_below_version("http: {proxy: proxy.example.org}\n") == "C-16 2:15");
    CHECK(problems_below_version("http: {prox: x}\n") == "C-13 2:8");
    for (const auto& problem : read_text("version: 1\nhttp: {proxy: \"http://me:secret@p:1\"}\n").problems)
        CHECK(std::string(problem.what()).find("secret") == std::string::npos);
}
