// What get_logs gives and what it must not: docs/contract.md section 4.
#include <atomic>
#include <thread>

#include "../cases.hpp"
#include "../context.hpp"

namespace berth::inline host_v1::conformance {

namespace {

std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> lines;
    std::istringstream stream(text);
    for (std::string line; std::getline(stream, line);)
        lines.push_back(line);
    return lines;
}

void logs_hold_output(Context& context) {
    const auto sandbox = context.fresh();
    context.output_of(sandbox, "echo first-9d1f; echo second-9d1f; echo problem-9d1f >&2");
    const auto log = context.host().get_logs(sandbox, {}, Context::bounded());
    const auto first = log.find("first-9d1f");
    const auto second = log.find("second-9d1f");
    context.expect(first != std::string::npos && second != std::string::npos && first < second, "output, oldest first");
    context.expect(log.find("problem-9d1f") != std::string::npos && log.find("stderr") != std::string::npos,
                   "stderr is marked");
    LogOptions last;
    last.lines = 1;
    context.equal(lines_of(context.host().get_logs(sandbox, last, Context::bounded())).size(), std::size_t{1},
                  "the last line");
    last.lines = 0;
    context.equal(context.host().get_logs(sandbox, last, Context::bounded()), std::string(), "no line");
    LogOptions future;
    future.since =
        std::chrono::time_point_cast<Milliseconds>(std::chrono::system_clock::now() + std::chrono::hours{24});
    context.equal(context.host().get_logs(sandbox, future, Context::bounded()), std::string(), "since tomorrow");
}

void logs_hold_no_secrets(Context& context) {
    SandboxConfig config;
    config.environment.env = {{"TOKEN", "canary-51c2"}};
    config.secret_env = {"TOKEN"};
    const auto sandbox = context.fresh(config);
    auto process = Context::process({"cat"});
    process.input = "canary-input-51c2";
    process.output = Capture::discard;
    context.host().execute(sandbox, process, Context::bounded());
    const auto log = context.host().get_logs(sandbox, {}, Context::bounded());
    context.expect(log.find("canary") == std::string::npos, "neither values of variables nor input are logged");
}

/// Follows on a thread of its own and keeps what comes.
class Follower {
public:
    Follower(Context& context, const SandboxName& sandbox, const LogOptions& options, CallOptions call)
        : thread_([this, &context, sandbox, options, call = std::move(call)]() mutable {
              call.stop = stop_.get_token();
              try {
                  context.host().follow_logs(
                      sandbox, options,
                      [this](std::string_view bytes) {
                          const std::lock_guard lock(mutex_);
                          text_ += bytes;
                      },
                      call);
              } catch (const std::exception& error) {
                  const std::lock_guard lock(mutex_);
                  failure_ = error.what();
              }
              ended_ = true;
          }) {}
    ~Follower() {
        stop();
        if (thread_.joinable()) thread_.join();
    }
    Follower(const Follower&) = delete;
    Follower& operator=(const Follower&) = delete;

    void stop() { stop_.request_stop(); }
    [[nodiscard]] bool ended() const { return ended_; }
    [[nodiscard]] std::string text() {
        const std::lock_guard lock(mutex_);
        return text_;
    }
    [[nodiscard]] std::string failure() {
        const std::lock_guard lock(mutex_);
        return failure_;
    }
    [[nodiscard]] bool has(std::string_view part) { return text().find(part) != std::string::npos; }

private:
    std::stop_source stop_;
    std::mutex mutex_;
    std::string text_;
    std::string failure_;
    std::atomic<bool> ended_ = false;
    std::thread thread_;
};

CallOptions without_deadline() {
    return {};
}

void logs_say_who(Context& context) {
    const auto sandbox = context.fresh();
    const auto result = context.shell(sandbox, "echo marked-9d1f");
    const auto before = context.host().get_logs(sandbox, {}, Context::bounded());
    for (const auto& line : lines_of(before)) {
        if (line.find("marked-9d1f") == std::string::npos) continue;
        context.expect(line.find("stdout") != std::string::npos, "the source");
        if (result.pid)
            context.expect(line.find(" " + std::to_string(*result.pid) + " ") != std::string::npos,
                           "the pid in " + line);
        context.expect(line.find(":") != std::string::npos, "a time in " + line);
    }
    context.expect(before.find("system") != std::string::npos, "lifecycle events");
    context.host().restart(sandbox, Context::bounded());
    const auto after = context.host().get_logs(sandbox, {}, Context::bounded());
    context.expect(after.starts_with(before) && after.size() > before.size(),
                   "what was there stays over a restart, which is an event");
}

void logs_since_and_lines(Context& context) {
    const auto sandbox = context.fresh();
    context.output_of(sandbox, "echo early-9d1f");
    // The clock of the log may be the backend's: the borders lie well apart.
    const auto now = std::chrono::time_point_cast<Milliseconds>(std::chrono::system_clock::now());
    context.output_of(sandbox, "for i in 1 2 3 4 5; do echo late-$i; done");
    LogOptions recent;
    recent.since = now - std::chrono::hours{1};
    recent.lines = 2;
    const auto lines = lines_of(context.host().get_logs(sandbox, recent, Context::bounded()));
    context.equal(lines.size(), std::size_t{2}, "since an hour ago, the last two");
    context.expect(lines[0].ends_with("late-4") && lines[1].ends_with("late-5"), "the newest, oldest first");
    recent.lines = 1'000'000;
    context.expect(context.host().get_logs(sandbox, recent, Context::bounded()).find("early-9d1f") != std::string::npos,
                   "more lines than there are");
}

void logs_are_bounded(Context& context) {
    const auto sandbox = context.fresh();
    auto process = Context::shell_process(
        "i=0; while [ $i -lt 3 ]; do head -c 12000000 /dev/zero | tr '\\0' x | fold -w "
        "99; i=$((i+1)); done; echo; echo the-newest-9d1f");
    process.max_output_bytes = 1000;
    const auto result = context.host().execute(sandbox, process, Context::bounded());
    context.equal(result.exit_code, 0, "it prints 36 MB");
    const auto log = context.host().get_logs(sandbox, {}, Context::bounded());
    context.expect(log.size() <= std::size_t{8} << 20U, "at most 8 MiB are kept, found " + std::to_string(log.size()));
    context.expect(log.find("the-newest-9d1f") != std::string::npos, "the newest lines are kept");
}

void logs_of_nobody(Context& context) {
    const SandboxName nobody{context.provider(), "no-such-sandbox-9d1f"};
    context.refused(
        Code::not_found, [&] { (void)context.host().get_logs(nobody, {}, Context::bounded()); }, "an unknown sandbox");
}

void follow_gives_what_comes(Context& context) {
    const auto sandbox = context.fresh();
    context.output_of(sandbox, "echo before-9d1f");
    Follower all(context, sandbox, {}, without_deadline());
    LogOptions none;
    none.lines = 0;
    Follower fresh(context, sandbox, none, without_deadline());
    int round = 0;
    wait_until(
        context,
        [&] {
            context.output_of(sandbox, "echo during-9d1f-" + std::to_string(++round));
            return all.has("during-9d1f") && fresh.has("during-9d1f");
        },
        "new lines reach who follows");
    context.expect(all.has("before-9d1f"), "what was there comes first");
    context.expect(!fresh.has("before-9d1f"), "`lines` 0: only what comes");
    all.stop();
    fresh.stop();
    wait_until(
        context, [&] { return all.ended() && fresh.ended(); }, "following ends with its cancel");
    context.equal(all.failure(), std::string(), "a cancel is how following ends");
}

void follow_ends(Context& context) {
    const auto sandbox = context.fresh();
    Follower destroyed(context, sandbox, {}, without_deadline());
    CallOptions deadline;
    deadline.deadline = std::chrono::milliseconds{300};
    Follower late(context, sandbox, {}, deadline);
    wait_until(
        context, [&] { return late.ended(); }, "following ends with its deadline");
    wait_until(
        context, [&] { return !destroyed.text().empty(); }, "something is in the log");
    context.host().destroy(sandbox, Context::bounded());
    wait_until(
        context, [&] { return destroyed.ended(); }, "following ends with the sandbox");
}

}  // namespace

std::vector<Case> log_cases() {
    return {
        {"logs", "output is kept, oldest first", logs_hold_output, {"get_logs"}},
        {"logs", "no secret is in them", logs_hold_no_secrets, {"get_logs"}},
        {"logs", "time, source and pid; lifecycle events; kept over a restart", logs_say_who, {"get_logs"}},
        {"logs", "first since, then the last lines", logs_since_and_lines, {"get_logs"}},
        {"logs", "bounded, the oldest lines go", logs_are_bounded, {"get_logs"}},
        {"logs", "of an unknown sandbox", logs_of_nobody, {"get_logs"}},
        {"logs", "following gives what comes", follow_gives_what_comes, {"get_logs", "log_follow"}},
        {"logs", "following ends with its deadline and with the sandbox", follow_ends, {"get_logs", "log_follow"}},
    };
}

}  // namespace berth::inline host_v1::conformance
