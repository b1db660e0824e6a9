// The one error type of the host: what happened, where, what was expected, what to do next.
// Thrown as an exception; also kept as a value where one failure must not stop the others (plugin catalog).
#pragma once

#include <chrono>
#include <cstdint>
#include <exception>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "diagnostic.hpp"

namespace berth::inline host_v1 {

/// Everything an error can say. Texts are UTF-8 but for `path` and detail values, which are bytes. No field may hold a
/// credential, an environment value or process input.
struct ErrorFields {
    std::string message;                 ///< what happened, one sentence without a full stop
    std::string hint;                    ///< what to do next, one sentence; may be empty
    std::string location;                ///< "file:line:column" of a configuration, or a plugin file
    std::string provider;                ///< as in berth.yaml
    std::string operation;               ///< method, such as "execute_stream"
    std::string sandbox;                 ///< id without the provider
    std::optional<std::string> path;     ///< the file concerned, bytes
    std::optional<std::uint64_t> index;  ///< which file operation or setup command
    std::vector<std::pair<std::string, std::string>> details;
    std::optional<std::chrono::milliseconds> retry_after;
    Outcome outcome = Outcome::none;  ///< the host's own checks fail before anything happened
    std::string upstream_code;
    std::string upstream_request_id;
};

/// An error with its number. Copyable value; `what()` is the one line a person reads.
class Error : public std::exception {
public:
    Error(const Diagnostic& diagnostic, ErrorFields fields);
    /// The usual case: a sentence and what to do next.
    Error(const Diagnostic& diagnostic, std::string message, std::string hint = {});
    /// A code other than the diagnostic's own: errors that a provider reported.
    Error(const Diagnostic& diagnostic, Code code, ErrorFields fields);

    [[nodiscard]] Code code() const noexcept { return code_; }
    [[nodiscard]] std::string_view diagnostic() const noexcept { return diagnostic_; }
    [[nodiscard]] const ErrorFields& fields() const noexcept { return fields_; }
    /// Whether trying the same call again may help and cannot do the thing twice: derived from code and outcome.
    [[nodiscard]] bool retryable() const noexcept;

    /// The same error with the place filled in where it was not known yet; what is set stays.
    [[nodiscard]] Error with_place(std::string_view provider, std::string_view operation,
                                   std::string_view sandbox) const;
    [[nodiscard]] Error with_location(std::string location) const;

    /// "location: message (path, provider, operation, sandbox). Hint [BERTH-X-NN]"
    [[nodiscard]] const char* what() const noexcept override { return line_.c_str(); }

private:
    Code code_;
    std::string diagnostic_;
    ErrorFields fields_;
    std::string line_;
};

/// "No such file or directory" for an errno value; thread-safe.
[[nodiscard]] std::string system_message(int error_number);

/// The contract's code for an errno value of a file operation: ENOENT is file_not_found, ENOSPC resource_exhausted...
[[nodiscard]] Code code_of_errno(int error_number) noexcept;

}  // namespace berth::inline host_v1
