#include "terminal_rule.hpp"

#include <utility>

#include "diagnostics.hpp"
#include "reported.hpp"

namespace berth::inline host_v1 {

namespace {

using namespace provider_diagnostics;

constexpr std::string_view ask_author = "report this to the author of the plugin";

bool is_code(berth_status status) noexcept {
    return status >= BERTH_INVALID_ARGUMENT && status <= BERTH_INTERNAL;
}

/// "NOT_FOUND", or the number of what has no name.
std::string status_text(berth_status status) {
    if (status == BERTH_OK) return "OK";
    if (is_code(status)) return std::string(name_of(static_cast<Code>(status)));
    return std::to_string(status);
}

ErrorFields fields_of(std::string message) {
    ErrorFields fields;
    fields.message = std::move(message);
    fields.hint = ask_author;
    fields.outcome = Outcome::unknown;
    return fields;
}

Error missing_result(const MethodReturn& returned) {
    return {no_result,
            fields_of("the plugin returned OK without a result: " +
                      (returned.missing.empty() ? std::string("there is nothing to give back") : returned.missing))};
}

/// A number that a method must never return.
Error inner_number_error(berth_status status) {
    return {inner_number, fields_of("the plugin returned the number " + std::to_string(status) +
                                    ", which belongs to sinks, sources and services")};
}

Error unknown_number_error(berth_status status, std::optional<CallRecords::Reported> reported) {
    const auto number = "the unknown error number " + std::to_string(status);
    if (!reported || reported->code != status) return {unknown_number, fields_of("the plugin returned " + number)};
    reported->fields.message =
        "the plugin failed with " + number + (reported->fields.message.empty() ? "" : ": " + reported->fields.message);
    return {unknown_number, std::move(reported->fields)};
}

Error reported_error(CallRecords::Reported reported) {
    const auto code = static_cast<Code>(reported.code);
    if (reported.fields.message.empty()) reported.fields.message = "the provider gave no text";
    return {provider_diagnostics::reported(code), std::move(reported.fields)};
}

/// The plugin named a number and nothing in the call says why.
Error unexplained_error(const MethodReturn& returned) {
    const auto code = static_cast<Code>(returned.status);
    if (code == Code::cancelled && returned.cancelled) {
        auto fields = fields_of("the call was cancelled");
        fields.hint.clear();
        return {provider_diagnostics::reported(code), std::move(fields)};
    }
    std::string message = "the plugin failed with " + status_text(returned.status) + " and did not say why";
    if (const auto& said = returned.records.reported) {
        message += "; what it said before was " + status_text(said->code) + ": " + said->fields.message;
    }
    return {no_reason, code, fields_of(std::move(message))};
}

bool is_of(const std::optional<CallRecords::Passed>& passed, berth_status status) noexcept {
    return passed && static_cast<berth_status>(passed->error.code()) == status;
}

Error with_outcome(const Error& error, Outcome outcome) {
    auto fields = error.fields();
    fields.outcome = outcome;
    return {Diagnostic{error.diagnostic(), error.code()}, std::move(fields)};
}

/// The plugin returned an error that a person may see. What a service said during a clean-up is the last to explain it.
Error plain_error(MethodReturn& returned) {
    auto& records = returned.records;
    const bool said = records.reported && records.reported->code == returned.status;
    const bool before = is_of(records.passed, returned.status);
    const bool passed = before || is_of(records.passed_in_cleanup, returned.status);
    if (said && !(passed && records.reported->adds_to_passed) &&
        (!before || records.reported->order > records.passed->order)) {
        return reported_error(std::move(*records.reported));
    }
    if (passed) {
        auto error = std::move((before ? records.passed : records.passed_in_cleanup)->error);
        const bool adds = said && records.reported->adds_to_passed;
        return adds ? with_outcome(error, records.reported->fields.outcome) : error;
    }
    // What was refused explains a failure better than "did not say why".
    if (records.breach) return std::move(*records.breach);
    return unexplained_error(returned);
}

Error error_of(MethodReturn& returned) {
    if (is_code(returned.status)) return plain_error(returned);
    if (returned.status == BERTH_CONTRACT && returned.records.breach) return std::move(*returned.records.breach);
    if (returned.status >= BERTH_END) return inner_number_error(returned.status);
    return unknown_number_error(returned.status, std::move(returned.records.reported));
}

/// A deadline is the host's way to give up: the caller asked for a result in time, not for a cancel.
Error with_deadline(Error error, const MethodReturn& returned) {
    if (error.code() != Code::cancelled || returned.cancelled != CancelReason::deadline) return error;
    auto fields = error.fields();
    fields.message = "the call ran over its deadline (" + fields.message + ")";
    return {provider_diagnostics::reported(Code::timeout), std::move(fields)};
}

/// What the plugin said on top of a failure of the host's own: only it knows what is left on the backend.
Error with_provider_words(Error error, const MethodReturn& returned) {
    const auto& said = returned.records.reported;
    if (!said || said->code == static_cast<berth_status>(error.code())) return error;
    auto fields = error.fields();
    fields.outcome = said->fields.outcome;
    fields.details.emplace_back("provider_error", status_text(said->code) + ": " + said->fields.message);
    return {Diagnostic{error.diagnostic(), error.code()}, std::move(fields)};
}

std::string return_text(const MethodReturn& returned) {
    const std::string method(returned.method);
    if (returned.exception) return method + " threw an exception: " + *returned.exception;
    std::string text = method + " returned " + status_text(returned.status);
    if (const auto& said = returned.records.reported) text += ": " + said->fields.message;
    return text;
}

Ruling judge_conclusive(MethodReturn& returned) {
    Ruling ruling;
    if (returned.exception || returned.status != BERTH_OK) {
        ruling.remarks.push_back(return_text(returned) + ", after the process had ended; its result counts");
    }
    if (returned.records.breach) ruling.error = with_outcome(*returned.records.breach, Outcome::done);
    return ruling;
}

}  // namespace

Ruling judge(MethodReturn returned) {
    Ruling ruling;
    if (returned.records.host_failure) {
        if (returned.exception) ruling.remarks.push_back(return_text(returned));
        ruling.error = with_provider_words(std::move(*returned.records.host_failure), returned);
    } else if (returned.answer == Answer::conclusive) {
        return judge_conclusive(returned);
    } else if (returned.exception) {
        ruling.error = Error(threw, fields_of("the plugin threw an exception: " + *returned.exception));
    } else if (returned.status == BERTH_OK) {
        if (returned.records.breach) {
            ruling.error = std::move(*returned.records.breach);
        } else if (returned.answer == Answer::missing) {
            ruling.error = missing_result(returned);
        }
        return ruling;
    } else {
        if (returned.records.breach) ruling.remarks.push_back(returned.records.breach->fields().message);
        ruling.error = error_of(returned);
    }
    ruling.error = with_deadline(std::move(*ruling.error), returned);
    return ruling;
}

}  // namespace berth::inline host_v1
