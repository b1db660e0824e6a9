// build_invocation: what the values of flags mean, and what wrong ones are told.
#include "cli/command_builder.hpp"

#include <doctest/doctest.h>

#include "base/error.hpp"

using namespace berth;
using namespace berth::cli;
using namespace std::chrono_literals;

namespace {

using Words = std::vector<std::string>;

const EnvironmentVariables own({{"TOKEN", "s3cret"}, {"EMPTY", ""}});
constexpr Moment now{1'790'000'000'000ms};

Invocation invocation(Words words) {
    return build_invocation(parse_line(std::move(words)), own, now);
}

template <typename T>
T command(Words words) {
    auto made = invocation(std::move(words));
    REQUIRE(std::holds_alternative<T>(made.command));
    return std::get<T>(std::move(made.command));
}

std::string value_error(Words words) {
    try {
        static_cast<void>(invocation(std::move(words)));
    } catch (const Error& error) {
        return std::string(error.diagnostic()) + ": " + error.fields().message + " | " + error.fields().hint;
    }
    return "no error";
}

}  // namespace

TEST_CASE("create takes every flag") {
    const auto made = command<CreateCommand>({"create",
                                              "--provider",
                                              "p",
                                              "--template",
                                              "t",
                                              "--name",
                                              "n",
                                              "-e",
                                              "A=b=c",
                                              "-e",
                                              "TOKEN",
                                              "-e",
                                              "EMPTY",
                                              "-e",
                                              "NOT_THERE",
                                              "-l",
                                              "k=v",
                                              "-w",
                                              "/w",
                                              "--memory",
                                              "1500K",
                                              "--cpus",
                                              "1.5",
                                              "--pids",
                                              "12",
                                              "--disk",
                                              "1GiB",
                                              "--timeout",
                                              "30s",
                                              "--ttl",
                                              "1h",
                                              "--idle-ttl",
                                              "5m",
                                              "--network",
                                              "allow:a.example,10.0.0.0/8",
                                              "--require",
                                              "get_logs",
                                              "--require",
                                              "ttl",
                                              "--upload",
                                              "src/dir:/workspace/",
                                              "--upload",
                                              "a:b:/c",
                                              "--setup",
                                              "echo hi; [ -f x ]"});
    const auto& config = made.create.config;
    CHECK(made.create.provider == "p");
    CHECK(made.create.require == Words{"get_logs", "ttl"});
    CHECK(config.template_name == "t");
    CHECK(config.name == "n");
    CHECK(config.environment.env == Variables{{"A", "b=c"}, {"TOKEN", "s3cret"}, {"EMPTY", ""}});
    CHECK(config.environment.cwd == "/w");
    CHECK(config.environment.memory_limit_mib == 2);
    CHECK(config.environment.cpu_limit == 150.0);
    CHECK(config.pids_limit == 12U);
    CHECK(config.disk_limit_mib == 1024U);
    CHECK(config.environment.timeout == 30s);
    CHECK(config.ttl == 1h);
    CHECK(config.idle_ttl == 5min);
    CHECK(config.network == NetworkMode::allow_list);
    CHECK(config.network_allow == Words{"a.example", "10.0.0.0/8"});
    CHECK(config.labels == Variables{{"k", "v"}});
    REQUIRE(config.initial_files.size() == 2);
    CHECK(config.initial_files[0].local_path == "src/dir");
    CHECK(config.initial_files[0].sandbox_path == "/workspace/dir");
    CHECK(config.initial_files[1].local_path == "a:b");
    CHECK(config.initial_files[1].sandbox_path == "/c");
    CHECK(config.setup_commands == Words{"echo hi; [ -f x ]"});
    CHECK_FALSE(config.persistent);
}

TEST_CASE("what is not given stays absent, and 0 is no limit") {
    const auto plain = command<CreateCommand>({"create"}).create.config;
    CHECK_FALSE(plain.environment.memory_limit_mib.has_value());
    CHECK_FALSE(plain.environment.timeout.has_value());
    CHECK_FALSE(plain.environment.cpu_limit.has_value());
    CHECK(plain.network == NetworkMode::provider_default);
    const auto none =
        command<CreateCommand>({"create", "--memory", "0", "--timeout", "0", "--cpus", "0"}).create.config;
    CHECK(none.environment.memory_limit_mib == 0);
    CHECK(none.environment.timeout == 0ms);
    CHECK(none.environment.cpu_limit == 0.0);
}

TEST_CASE("run and exec take the process's flags") {
    const auto run = command<RunCommand>({"run", "-i", "-t", "--keep", "-w", "/w", "--", "cat", "-"});
    CHECK(run.process.arguments == Words{"cat", "-"});
    CHECK(run.process.interactive);
    CHECK(run.process.terminal);
    CHECK(run.keep == Keep::yes);
    CHECK(run.create.config.environment.cwd == "/w");
    const auto exec = command<ExecCommand>({"exec", "-e", "A=", "--timeout", "5s", "local/x", "true"});
    CHECK(exec.sandbox == "local/x");
    CHECK(exec.process.env == Variables{{"A", ""}});
    CHECK(exec.process.timeout == 5s);
    CHECK_FALSE(exec.process.interactive);
}

TEST_CASE("logs count time back from now or from a moment") {
    CHECK(command<LogsCommand>({"logs", "local/x"}).options.since == std::nullopt);
    const auto logs = command<LogsCommand>({"logs", "-n", "10", "--since", "10m", "-f", "local/x"});
    CHECK(logs.options.lines == 10);
    CHECK(logs.options.since == now - 10min);
    CHECK(logs.follow == Follow::yes);
    CHECK(command<LogsCommand>({"logs", "--since", "1790000000", "local/x"}).options.since == now);
    CHECK(command<LogsCommand>({"logs", "--since", "0", "local/x"}).options.since == Moment{});
}

TEST_CASE("env set splits at the first equals sign") {
    const auto set = command<EnvironmentSetCommand>({"env", "set", "local/x", "A=b=c", "B=", "--unset", "C"});
    CHECK(set.set == Variables{{"A", "b=c"}, {"B", ""}});
    CHECK(set.unset == Words{"C"});
}

TEST_CASE("global flags") {
    const auto made = invocation({"-o", "jsonl", "-v", "--config", "/c", "--plugin-dir", "/p", "ls"});
    CHECK(made.global.output == OutputFormat::jsonl);
    CHECK(made.global.verbosity == Verbosity::verbose);
    CHECK(made.global.configuration == "/c");
    CHECK(made.global.plugin_directories == Words{"/p"});
    CHECK(invocation({"-q", "ls"}).global.verbosity == Verbosity::quiet);
    CHECK(invocation({"-vvv", "ls"}).global.verbosity == Verbosity::debug);
    CHECK(std::holds_alternative<VersionCommand>(invocation({"--version"}).command));
    CHECK(std::get<HelpCommand>(invocation({"run", "--help"}).command).of->full_name() == "run");
}

TEST_CASE("a wrong value names its flag and what is expected") {
    CHECK(value_error({"create", "--memory", "lots"}) ==
          "BERTH-X-02: --memory cannot be \"lots\" | expected a size of at least 1MiB with its unit, such as 512MiB or "
          "2GiB");
    CHECK(value_error({"create", "--memory", "512"}).starts_with("BERTH-X-02: --memory cannot be \"512\""));
    CHECK(value_error({"create", "--cpus", "-1"}).starts_with("BERTH-X-02: --cpus cannot be \"-1\""));
    CHECK(value_error({"create", "--pids", "-1"}) == "BERTH-X-02: --pids cannot be \"-1\" | expected a whole number");
    CHECK(value_error({"create", "--disk", "100"}).starts_with("BERTH-X-02: --disk cannot be \"100\""));
    CHECK(value_error({"create", "--cpus", "-0"}).starts_with("BERTH-X-02: --cpus cannot be"));
    CHECK(value_error({"create", "--cpus", "nan"}).starts_with("BERTH-X-02: --cpus cannot be"));
    CHECK(value_error({"create", "--cpus", "1x"}).starts_with("BERTH-X-02: --cpus cannot be"));
    CHECK(value_error({"create", "--timeout", "30"}).starts_with("BERTH-X-02: --timeout cannot be \"30\""));
    CHECK(value_error({"create", "--network", "open"}).starts_with("BERTH-X-02: --network cannot be \"open\""));
    CHECK(value_error({"create", "--network", "allow:"}).starts_with("BERTH-X-02: --network"));
    CHECK(value_error({"create", "--network", "allow:a,,b"}).starts_with("BERTH-X-02: --network"));
    CHECK(value_error({"create", "-l", "novalue"}).starts_with("BERTH-X-02: --label cannot be \"novalue\""));
    CHECK(value_error({"create", "--upload", "/a"}).starts_with("BERTH-X-02: --upload cannot be \"/a\""));
    CHECK(value_error({"create", "--upload", "/a:"}).starts_with("BERTH-X-02: --upload"));
    CHECK(value_error({"ls", "-o", "yaml"}).starts_with("BERTH-X-02: --output cannot be \"yaml\""));
    CHECK(value_error({"logs", "-n", "-1", "local/x"}).starts_with("BERTH-X-02: --lines cannot be \"-1\""));
    CHECK(value_error({"logs", "--since", "yesterday", "local/x"}).starts_with("BERTH-X-02: --since"));
    CHECK(value_error({"completion", "tcsh"}).starts_with("BERTH-X-02: the shell cannot be \"tcsh\""));
    CHECK(
        value_error({"env", "set", "local/x", "novalue"}).starts_with("BERTH-X-02: a variable cannot be \"novalue\""));
    CHECK(value_error({"env", "set", "local/x", "--unset", "1x"}).starts_with("BERTH-X-02: --unset"));
    CHECK(value_error({"env", "set", "local/x"}).starts_with("BERTH-X-01: nothing to set"));
    CHECK(value_error({"exec", "local/x"}).starts_with("BERTH-X-01: no command to run was given"));
    CHECK(value_error({"run", "--"}).starts_with("BERTH-X-01: no command to run was given"));
}

TEST_CASE("an error about a variable never shows its value") {
    const auto text = value_error({"create", "-e", "1BAD=hunter2"});
    CHECK(text.starts_with("BERTH-X-02: --env cannot be \"1BAD\""));
    CHECK(text.find("hunter2") == std::string::npos);
    CHECK(value_error({"env", "set", "local/x", "=hunter2"}).find("hunter2") == std::string::npos);
}

TEST_CASE("a target that ends in a slash is copied into") {
    CHECK(path_in_target("a/b", "/x/") == "/x/b");
    CHECK(path_in_target("a/b/", "/") == "/b");
    CHECK(path_in_target("a/b", "/x") == "/x");
    CHECK(path_in_target("a/.", "/x/") == "/x");
}

TEST_CASE("plugin clear wants names or --all, and not both") {
    CHECK(command<PluginClearCommand>({"plugin", "clear", "a", "./b.so"}).plugins == Words{"a", "./b.so"});
    CHECK(command<PluginClearCommand>({"plugin", "clear", "a"}).which == Clear::named);
    CHECK(command<PluginClearCommand>({"plugin", "clear", "--all"}).which == Clear::all);
    CHECK(value_error({"plugin", "clear"}) ==
          "BERTH-X-01: nothing to clear was named | usage: berth plugin clear FILE|NAME..., or --all");
    CHECK(value_error({"plugin", "clear", "--all", "a"}).find("BERTH-X-01: --all leaves nothing") == 0);
}
