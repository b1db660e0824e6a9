// What is refused before a plugin is entered, and what each refusal names.
#include "engine/admission.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <string>

#include "fake_provider.hpp"

using namespace berth_test;
using namespace std::string_literals;

namespace {

/// "`field` found": the words of a refusal, or nothing when it was admitted.
std::string refusal(const SandboxConfig& config) {
    try {
        admit_sandbox(config);
        return {};
    } catch (const Error& error) {
        CHECK(error.fields().outcome == Outcome::none);
        CHECK_FALSE(error.fields().hint.empty());
        return std::string(name_of(error.code())) + " " + error.fields().message;
    }
}

std::string refusal(const ProcessConfig& process, Method method = Method::execute_stream) {
    try {
        admit_process(process, method);
        return {};
    } catch (const Error& error) {
        return std::string(name_of(error.code())) + " " + error.fields().message;
    }
}

SandboxConfig with(const std::function<void(SandboxConfig&)>& change) {
    SandboxConfig config;
    change(config);
    return config;
}

ProcessConfig process_with(const std::function<void(ProcessConfig&)>& change) {
    auto process = command("true");
    change(process);
    return process;
}

}  // namespace

TEST_CASE("an empty sandbox configuration is fine") {
    CHECK(refusal(SandboxConfig{}).empty());
}

TEST_CASE("a malformed field of a sandbox is refused by its name") {
    const auto infinity = std::numeric_limits<double>::infinity();
    struct Row {
        std::function<void(SandboxConfig&)> change;
        std::string words;
    };
    const std::vector<Row> rows{
        {[](auto& c) { c.name = std::string(129, 'n'); }, "INVALID_ARGUMENT `name` is 129 bytes long"},
        {[](auto& c) { c.name = "a\nb"; }, "INVALID_ARGUMENT `name` holds a control character"},
        {[](auto& c) { c.name = "\xFF"; }, "INVALID_ARGUMENT `name` is not UTF-8"},
        {[](auto& c) { c.template_name = ""; }, "INVALID_ARGUMENT `template` is empty"},
        {[](auto& c) { c.labels[""] = "x"; }, "INVALID_ARGUMENT `labels` have an empty name"},
        {[](auto& c) { c.labels["a"] = "\xC3"; }, "INVALID_ARGUMENT `labels.a` is not UTF-8"},
        {[](auto& c) { c.environment.env["1A"] = ""; }, "INVALID_ARGUMENT `env` has the name \"1A\""},
        {[](auto& c) { c.environment.env["A"] = "x\0y"s; }, "INVALID_ARGUMENT `env` has a NUL byte in the value of A"},
        {[](auto& c) { c.environment.env["A"] = std::string(200'000, 'x'); },
         "RESOURCE_EXHAUSTED `env` is 195.3 KiB together"},
        {[](auto& c) { c.secret_env.insert("A"); }, "INVALID_ARGUMENT `secret_env` names \"A\""},
        {[](auto& c) { c.environment.cwd = ""; }, "INVALID_ARGUMENT `cwd` is empty"},
        {[](auto& c) { c.environment.cwd = "/a\0b"s; }, "INVALID_ARGUMENT `cwd` holds a NUL byte"},
        {[](auto& c) { c.environment.timeout = Milliseconds{-1}; }, "INVALID_ARGUMENT `timeout` is negative"},
        {[](auto& c) { c.environment.timeout = Milliseconds::max(); },
         "INVALID_ARGUMENT `timeout` is longer than a hundred years"},
        {[](auto& c) { c.environment.cpu_limit = -1; }, "INVALID_ARGUMENT `cpu_limit` is negative"},
        {[](auto& c) { c.environment.cpu_limit = std::nan(""); },
         "INVALID_ARGUMENT `cpu_limit` is not a finite number"},
        {[=](auto& c) { c.environment.cpu_limit = infinity; }, "INVALID_ARGUMENT `cpu_limit` is not a finite number"},
        {[](auto& c) { c.environment.memory_limit_mib = std::uint64_t{1} << 60U; },
         "INVALID_ARGUMENT `memory_limit` is beyond all memory"},
        {[](auto& c) { c.ttl = Milliseconds{-5}; }, "INVALID_ARGUMENT `ttl` is negative"},
        {[](auto& c) {
             c.setup_commands = {"ok", "a\0b"s};
         },
         "INVALID_ARGUMENT `setup_commands[1]` holds a NUL byte"},
        {[](auto& c) { c.network_allow = {"example.org"}; },
         "INVALID_ARGUMENT `network_allow` is given, but `network` is default"},
        {[](auto& c) {
             c.network = NetworkMode::allow_list;
             c.network_allow = {"exa mple"};
         },
         "INVALID_ARGUMENT `network_allow[0]` is no host"},
        {[](auto& c) { c.network = static_cast<NetworkMode>(9); }, "INVALID_ARGUMENT `network` is unknown"},
        {[](auto& c) { c.idempotency_key = "a b"; }, "INVALID_ARGUMENT `idempotency_key` is malformed"},
        {[](auto& c) {
             c.extra = {{"", "x"}};
         },
         "INVALID_ARGUMENT `extra` has an empty name"},
        {[](auto& c) {
             c.initial_files = {{"", "/x", {}, {}}};
         },
         "INVALID_ARGUMENT `local_path` is empty"},
    };
    for (const auto& row : rows)
        CHECK(refusal(with(row.change)) == row.words);
}

TEST_CASE("what a sandbox may say") {
    CHECK(refusal(with([](auto& c) {
              c.name = std::string(128, 'n');
              c.environment.env = {{"EMPTY", ""}, {"_", "spaces \"quotes\"\nnewline \xFF"}};
              c.secret_env = {"_"};
              c.environment.timeout = Milliseconds{0};
              c.environment.cpu_limit = 250.5;
              c.environment.memory_limit_mib = 0;
              c.network = NetworkMode::allow_list;
              c.labels["team"] = "";
              c.setup_commands = {"", "\xFF"};
          })).empty());
}

TEST_CASE("a malformed field of a process is refused by its name") {
    struct Row {
        std::function<void(ProcessConfig&)> change;
        std::string words;
    };
    const std::vector<Row> rows{
        {[](auto& p) { p.command = ""; }, "INVALID_ARGUMENT `command` is empty"},
        {[](auto& p) { p.command = " \t"; }, "INVALID_ARGUMENT `command` is blank"},
        {[](auto& p) { p.command = "a\0b"s; }, "INVALID_ARGUMENT `command` holds a NUL byte"},
        {[](auto& p) {
             p.args = {"", "a\0b"s};
         },
         "INVALID_ARGUMENT `args[1]` holds a NUL byte"},
        {[](auto& p) { p.args = {std::string(3'000'000, 'x')}; },
         "RESOURCE_EXHAUSTED `args` are larger than 2 MiB together"},
        {[](auto& p) { p.input = std::string((16U << 20U) + 1, 'x'); },
         "INVALID_ARGUMENT `input` is larger than 16 MiB"},
        {[](auto& p) {
             p.input = "";
             p.interactive = true;
         },
         "INVALID_ARGUMENT `input` and `interactive` are both given"},
        {[](auto& p) {
             p.terminal = Terminal{{0, 80}, "xterm"};
         },
         "INVALID_ARGUMENT `terminal` has an impossible size"},
        {[](auto& p) {
             p.terminal = Terminal{{24, 70'000}, "xterm"};
         },
         "INVALID_ARGUMENT `terminal` has an impossible size"},
        {[](auto& p) {
             p.terminal = Terminal{{24, 80}, "a/b"};
         },
         "INVALID_ARGUMENT `terminal` has an impossible name"},
        {[](auto& p) { p.kill_grace = Milliseconds{-1}; }, "INVALID_ARGUMENT `kill_grace` is negative"},
        {[](auto& p) { p.drain_grace = Milliseconds{-1}; }, "INVALID_ARGUMENT `drain_grace` is negative"},
        {[](auto& p) { p.environment.env["A=B"] = ""; }, "INVALID_ARGUMENT `env` has the name \"A=B\""},
    };
    for (const auto& row : rows)
        CHECK(refusal(process_with(row.change)) == row.words);
}

TEST_CASE("arguments are bytes and may be anything but NUL") {
    CHECK(refusal(process_with([](auto& p) {
              p.args = {"", "two words", "$HOME", "*", "a\nb", "-rf", "\xFF\xFE"};
              p.input = std::string(16U << 20U, '\0');
          })).empty());
}

TEST_CASE("a live stdin and a terminal belong to execute_stream") {
    const auto interactive = process_with([](auto& p) { p.interactive = true; });
    const auto terminal = process_with([](auto& p) { p.terminal = Terminal{}; });
    CHECK(refusal(interactive).empty());
    CHECK(refusal(terminal).empty());
    CHECK(refusal(interactive, Method::execute) ==
          "INVALID_ARGUMENT `interactive` needs somebody who listens while the process runs");
    CHECK(refusal(terminal, Method::execute) ==
          "INVALID_ARGUMENT `terminal` needs somebody who listens while the process runs");
}

TEST_CASE("ids of sandboxes are 1 to 128 plain characters") {
    CHECK_NOTHROW(admit_sandbox_id("a.B_9-z"));
    CHECK_NOTHROW(admit_sandbox_id(std::string(128, 'a')));
    for (const auto& id : {""s, "."s, ".."s, "a/b"s, "a b"s, "a\0"s, "\xC3\xA9"s, std::string(129, 'a')})
        CHECK(failure_of([&] {
                  admit_sandbox_id(id);
                  return 0;
              }).diagnostic() == "BERTH-E-01");
}

TEST_CASE("names of snapshots are 1 to 64 plain characters") {
    CHECK_NOTHROW(admit_snapshot_name(std::string(64, 'a')));
    for (const auto& name : {""s, "a/b"s, "a b"s, std::string(65, 'a')})
        CHECK(failure_of([&] {
                  admit_snapshot_name(name);
                  return 0;
              }).diagnostic() == "BERTH-E-04");
}

TEST_CASE("a file operation is refused with its index") {
    const auto refused = [](std::vector<FileOperation> files, bool upload) {
        return failure_of([&] {
            upload ? admit_uploads(files) : admit_downloads(files);
            return 0;
        });
    };
    const FileOperation fine{"/host", "/box", 0644, {}};
    CHECK_NOTHROW(admit_uploads(std::vector{fine, FileOperation{"", "/box", {}, "content"}}));
    CHECK_NOTHROW(admit_downloads(std::vector{fine}));
    struct Row {
        FileOperation file;
        bool upload;
        std::string words;
    };
    const std::vector<Row> rows{
        {{"/host", "", {}, {}}, true, "`sandbox_path` is empty"},
        {{"/host", "a\0b"s, {}, {}}, true, "`sandbox_path` holds a NUL byte"},
        {{"", "/box", {}, {}}, true, "`local_path` is empty"},
        {{"/host", "/box", {}, "content"}, true, "`content` and `local_path` are both given"},
        {{"/host", "/box", 0, {}}, true, "`permissions` is outside 1 to 0777"},
        {{"/host", "/box", 04755, {}}, true, "`permissions` is outside 1 to 0777"},
        {{"/host", "/box", {}, "content"}, false, "`content` is given for a download"},
        {{"a\0b"s, "/box", {}, {}}, false, "`local_path` holds a NUL byte"},
    };
    for (const auto& row : rows) {
        const auto error = refused({fine, row.file}, row.upload);
        CHECK(error.code() == Code::invalid_argument);
        CHECK(error.fields().message == row.words);
        CHECK(error.fields().index == 1);
    }
}

TEST_CASE("variables: nothing is set and unset at once, names are checked on both sides") {
    const std::vector<std::string> unset{"A"};
    CHECK_NOTHROW(admit_variables({{"B", "1"}}, unset));
    CHECK(failure_of([&] {
              admit_variables({{"A", "1"}}, unset);
              return 0;
          }).diagnostic() == "BERTH-E-05");
    CHECK(failure_of([&] {
              admit_variables({}, std::vector<std::string>{"A-B"});
              return 0;
          }).diagnostic() == "BERTH-E-04");
}

TEST_CASE("a refused request never enters the plugin") {
    Setting setting;
    const auto host = setting.start();
    CHECK(failure_of([&] { return host->execute(sandbox, command(" ")); }).code() == Code::invalid_argument);
    CHECK(failure_of([&] { return host->get({"fake", ""}); }).code() == Code::invalid_argument);
    const auto error = failure_of([&] { return host->get({"fake", "a/b"}); });
    CHECK(error.code() == Code::invalid_argument);
    CHECK(error.fields().operation == "get");
    CHECK(error.fields().provider == "fake");
    CHECK(setting.script->opened == 0);
    CHECK(setting.script->entered == 0);
}
