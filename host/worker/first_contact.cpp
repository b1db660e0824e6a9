#include "first_contact.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>
#include <utility>

#include "../base/duration.hpp"
#include "../base/text.hpp"
#include "diagnostics.hpp"
#include "remote_plugin.hpp"

namespace berth::inline host_v1 {

namespace {

/// A call within another one: cancelled with it, and with a deadline that is not later.
class InnerCall final : private CallEventListener {
public:
    InnerCall(Call& outer, Milliseconds patience) : outer_(outer), inner_(options(outer, patience)) {
        outer_.tell(this);
    }
    InnerCall(const InnerCall&) = delete;
    InnerCall& operator=(const InnerCall&) = delete;
    ~InnerCall() { outer_.tell(nullptr); }
    [[nodiscard]] Call& call() noexcept { return inner_; }

private:
    static Call::Options options(const Call& outer, Milliseconds patience) {
        Call::Options options;
        options.method = outer.method();
        options.deadline = Call::Clock::now() + patience;
        if (outer.deadline()) options.deadline = std::min(*options.deadline, *outer.deadline());
        return options;
    }
    void call_event(const CallEvent& event) noexcept override {
        if (event.kind == CallEvent::Kind::cancel) inner_.cancel(event.reason);
    }
    Call& outer_;
    Call inner_;
};

/// What a process has started: threads, and children of any of them. What cannot be seen counts as nothing.
struct Started {
    std::size_t threads = 0;
    std::size_t children = 0;
};

Started started_by(pid_t process) {
    Started started;
    std::error_code failure;
    const std::filesystem::directory_iterator tasks("/proc/" + std::to_string(process) + "/task", failure);
    if (failure) return started;
    std::size_t all = 0;
    for (const auto& task : tasks) {
        ++all;
        std::ifstream children(task.path() / "children");
        started.children += static_cast<std::size_t>(
            std::distance(std::istream_iterator<pid_t>(children), std::istream_iterator<pid_t>()));
    }
#ifndef BERTH_SANITIZED  // a sanitizer has threads of its own
    started.threads = all - std::min<std::size_t>(all, 1);
#endif
    return started;
}

ErrorFields fields_of(std::string message, std::string hint, const WorkerDeath* death) {
    ErrorFields fields;
    fields.message = std::move(message);
    fields.hint = std::move(hint);
    if (death != nullptr && !death->last_words.empty()) fields.details.emplace_back("stderr", death->last_words);
    return fields;
}

/// The error of loading in a worker, in words that fit the first time.
/// `until`: when it had not finished yet.
[[noreturn]] void throw_again(const Error& error, const WorkerDeath* death, const std::string& until) {
    const auto number = error.diagnostic();
    if (number == worker_diagnostics::slow_load.number) {
        throw Error(worker_diagnostics::slow_load,
                    fields_of("the plugin is loaded in a process of its own the first time, and had not finished " +
                                  until + "; that process was killed, and nothing of it runs in this one",
                              "Report this to the author of the plugin; the next call tries again", death));
    }
    if (death != nullptr && death->cause == WorkerDeath::Cause::killed) {
        throw Error(worker_diagnostics::contact_broken_off,
                    fields_of("the process in which the plugin was loaded for the first time " + death->text,
                              "Try again; it is not held against the plugin", death));
    }
    throw error;
}

std::string counted(std::size_t count, const char* one, const char* many) {
    return count == 1 ? "a " + std::string(one) : std::to_string(count) + " " + many;
}

void check_manners(const Started& started, const WorkerDeath& death) {
    std::vector<std::string> seen;
    if (!death.last_words.empty()) seen.emplace_back("writes to stdout or stderr");
    if (started.threads > 0) seen.push_back("starts " + counted(started.threads, "thread", "threads"));
    if (started.children > 0) seen.push_back("starts " + counted(started.children, "process", "processes"));
    if (seen.empty()) return;
    throw Error(
        worker_diagnostics::disturbs_host,
        fields_of("the plugin " + listed(seen) + " while it is loaded, so it is not loaded into this process",
                  "Take `run: in_process` away: in a worker that hurts nobody. Its author finds the rules (S1, T3, "
                  "T4, T5) in berth/plugin.h",
                  &death));
}

}  // namespace

std::optional<WorkerDeath> first_contact(Call& call, const PreparedPlugin& plugin, WorkerStarter start,
                                         WorkerConnection::LineHandler on_line, Milliseconds patience) {
    InnerCall inner(call, patience);
    WorkerConnection connection(std::move(start), std::move(on_line));
    Started started;
    try {
        const auto facts = connection.load(plugin, inner.call());
        (void)remote_plugin(plugin.path, plugin.manifest, facts);
        started = started_by(connection.process());
    } catch (const Error& error) {
        auto death = connection.death();
        const auto number = error.diagnostic();
        const bool has_died =
            number == worker_diagnostics::died.number || number == worker_diagnostics::broke_protocol.number;
        if (has_died && death && death->cause != WorkerDeath::Cause::killed) return death;
        const bool was_cut = call.cancelled() || (call.deadline() && Call::Clock::now() >= *call.deadline());
        throw_again(error, death ? &*death : nullptr,
                    was_cut ? "when the call was given up" : "within " + duration_text(patience));
    }
    connection.end();
    auto death = connection.death().value();
    if (death.cause == WorkerDeath::Cause::killed) {
        throw_again(Error(worker_diagnostics::contact_broken_off, std::string()), &death, {});
    }
    if (death.cause != WorkerDeath::Cause::let_go) return death;
    check_manners(started, death);
    return std::nullopt;
}

}  // namespace berth::inline host_v1
