#include "process_outcome.hpp"

#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <csignal>

namespace berth_local {

ProcessEnd process_end(int status, protocol::Cause cause, std::uint64_t nanoseconds, std::uint64_t signals_sent) {
    ProcessEnd end;
    end.duration_ms = static_cast<std::int64_t>(std::min<std::uint64_t>(nanoseconds, INT64_MAX) / 1'000'000);
    if (WIFSIGNALED(status)) {
        end.signal = WTERMSIG(status);
    } else {
        end.exit_code = WEXITSTATUS(status);
    }
    const auto sent = [&](int signal) { return signal > 0 && signal < 64 && ((signals_sent >> signal) & 1) != 0; };
    switch (cause) {
        case protocol::Cause::timeout:
            end.kind = BERTH_ENDED_TIMEOUT;
            return end;
        case protocol::Cause::cancelled:
            end.kind = BERTH_ENDED_CANCELLED;
            return end;
        case protocol::Cause::killed:
            end.kind = BERTH_ENDED_KILLED;
            return end;
        case protocol::Cause::none:
            break;
    }
    // A signal that asks for the end is what ended it, also when it left by itself because of it.
    if (sent(SIGTERM) || sent(SIGKILL) || sent(end.signal)) {
        end.kind = BERTH_ENDED_KILLED;
    } else {
        end.kind = end.signal != 0 ? BERTH_ENDED_SIGNALLED : BERTH_ENDED_EXITED;
    }
    return end;
}

Failure start_failure(protocol::Stage stage, int error, const std::string& directory) {
    const std::string words = words_of_errno(error);
    if (stage == protocol::Stage::directory) {
        const std::int32_t code = code_of_errno(error);
        Failure failed = refusal(code == BERTH_INTERNAL ? BERTH_FILE_NOT_FOUND : code,
                                 "the working directory cannot be entered: " + words,
                                 "name a directory that exists inside the sandbox");
        failed.path = directory;
        return failed;
    }
    if (stage == protocol::Stage::group) {
        return refusal(BERTH_UNSUPPORTED, "the process could not join its control group: " + words,
                       "see what `berth doctor` says of the limits");
    }
    if (stage == protocol::Stage::resources) {
        return refusal(BERTH_EXECUTION_FAILED, "the sandbox could not start a process: " + words);
    }
    return refusal(BERTH_EXECUTION_FAILED, "the sandbox was started by another version of Berth",
                   "restart the sandbox");
}

NotExecuted not_executed(std::string_view program, int error) {
    const bool missing = error == ENOENT || error == ENOTDIR || error == ELOOP;
    const bool searched = program.find('/') == std::string_view::npos;
    const std::string reason = missing && searched ? "program not found" : words_of_errno(error);
    return {missing ? 127 : 126, std::string(program) + ": " + reason + "\n"};
}

}  // namespace berth_local
