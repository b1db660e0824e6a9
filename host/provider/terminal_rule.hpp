// What a method's return comes to: its result, or exactly one error. One rule for all methods, so that every breach of
// the contract gets the same words everywhere. Knows no plugin and no sink, only what was recorded of them.
#pragma once

#include <berth/plugin.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "../base/error.hpp"
#include "c_call.hpp"
#include "call.hpp"

namespace berth::inline host_v1 {

/// How far the plugin delivered what OK stands for.
enum class Answer {
    not_needed,  ///< OK alone is the answer: destroy
    missing,     ///< nothing, or not all
    given,       ///< it counts when the method returns OK
    conclusive   ///< the end of a process: it counts whatever the method returns
};

/// How a method came back, as its host saw it.
struct MethodReturn {
    std::string_view method;               ///< snake_case
    berth_status status = BERTH_OK;        ///< meaningless after an exception
    std::optional<std::string> exception;  ///< what it threw, for people
    Answer answer = Answer::not_needed;
    std::string missing;  ///< with `missing`: what there should have been, "the sandbox it made"
    CallRecords records;
    std::optional<CancelReason> cancelled;
};

/// `error` absent: the result counts. Remarks are for the log: what went wrong and does not change the outcome.
struct Ruling {
    std::optional<Error> error;
    std::vector<std::string> remarks;
};

/// First match wins:
///  1. a sink, source or handler of the host failed: that failure;
///  2. a conclusive answer: the result; PROTOCOL_ERROR when the plugin told it against the rules (outcome done);
///  3. an exception: INTERNAL;
///  4. OK: the result; PROTOCOL_ERROR when it is missing or was told against the rules;
///  5. an error: what `fail` or a service said of that number last, but before it cleaned up, if it did; else the number
///     alone with a diagnostic of its own.
/// A CANCELLED after the deadline is a TIMEOUT.
[[nodiscard]] Ruling judge(MethodReturn returned);

}  // namespace berth::inline host_v1
