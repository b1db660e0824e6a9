// The wrapper of a command, run here by every shell there is, and what is read back of it. For tests of plugins/cloud.
#pragma once

#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <string>
#include <vector>

#include "cloud/command_output.hpp"
#include "cloud/command_wrapper.hpp"
#include "cloud/text.hpp"
#include "seen.hpp"

namespace cloud_test {

using namespace berth_cloud;

struct Shell {
    const char* name;
    std::vector<std::string> argv;
};

inline std::vector<Shell> shells() {
    std::vector<Shell> found;
    if (::access("/bin/dash", X_OK) == 0) found.push_back({"dash", {"/bin/dash"}});
    if (::access("/bin/bash", X_OK) == 0) found.push_back({"bash", {"/bin/bash", "--posix"}});
    if (::access("/bin/busybox", X_OK) == 0) found.push_back({"busybox", {"/bin/busybox", "sh"}});
    return found;
}

using Variables = std::vector<std::pair<std::string, std::string>>;

inline void run_shell(const Shell& shell, const std::string& text,
                      const std::function<void(berth::Stream, std::string_view)>& on, const Variables& variables = {}) {
    int out[2];
    int err[2];
    REQUIRE(::pipe2(out, O_CLOEXEC) == 0);
    REQUIRE(::pipe2(err, O_CLOEXEC) == 0);
    std::vector<std::string> words = shell.argv;
    words.insert(words.end(), {"-c", text, "sh"});
    std::vector<char*> argv;
    for (std::string& word : words)
        argv.push_back(word.data());
    argv.push_back(nullptr);
    std::vector<std::string> settings{"PATH=/usr/bin:/bin", "GIVEN=a b"};
    for (const auto& [name, value] : variables)
        settings.push_back(name + "=" + value);
    std::vector<char*> environment;
    for (std::string& setting : settings)
        environment.push_back(setting.data());
    environment.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, out[1], 1);
    posix_spawn_file_actions_adddup2(&actions, err[1], 2);
    pid_t child = 0;
    REQUIRE(::posix_spawn(&child, argv[0], &actions, nullptr, argv.data(), environment.data()) == 0);
    posix_spawn_file_actions_destroy(&actions);
    ::close(out[1]);
    ::close(err[1]);
    pollfd open[2] = {{out[0], POLLIN, 0}, {err[0], POLLIN, 0}};
    while (open[0].fd >= 0 || open[1].fd >= 0) {
        REQUIRE(::poll(open, 2, 20'000) > 0);
        for (int n = 0; n < 2; ++n) {
            if (open[n].fd < 0 || open[n].revents == 0) continue;
            char buffer[5000];
            const ssize_t got = ::read(open[n].fd, buffer, sizeof buffer);
            if (got > 0) {
                on(n == 0 ? berth::Stream::out : berth::Stream::err, {buffer, static_cast<std::size_t>(got)});
            } else {
                ::close(std::exchange(open[n].fd, -1));
            }
        }
    }
    int status = 0;
    ::waitpid(child, &status, 0);
}

struct Ran {
    Seen seen;
    std::optional<WrappedEnd> end;
    std::optional<NotStarted> not_started;
};

inline CommandPlan plan_of(std::vector<std::string> argv) {
    CommandPlan plan;
    plan.token = random_token();
    plan.argv = std::move(argv);
    plan.directory = "/tmp";
    plan.kill_grace_ms = 300;
    return plan;
}

inline Ran run(const Shell& shell, const CommandPlan& plan, const std::function<void(Ran&)>& prepare = {},
               const Variables& variables = {}) {
    Ran ran;
    if (prepare) prepare(ran);
    CommandOutput output(plan.token);
    run_shell(
        shell, wrapper_script(plan),
        [&](berth::Stream stream, std::string_view text) { output.take(stream, text, ran.seen); }, variables);
    output.finish(ran.seen);
    ran.end = output.end();
    ran.not_started = output.not_started();
    for (const char* suffix : {".o", ".e", ".n", ".p", ".t", ".z", ".i"})
        CHECK(::access((scratch_prefix(plan.token) + suffix).c_str(), F_OK) != 0);
    return ran;
}

inline Ran run_line(const Shell& shell, const std::string& line) {
    return run(shell, plan_of({"sh", "-c", line}));
}

inline void in_every_shell(const std::function<void(const Shell&)>& act) {
    for (const Shell& shell : shells()) {
        CAPTURE(std::string{shell.name});
        act(shell);
    }
}

}  // namespace cloud_test
