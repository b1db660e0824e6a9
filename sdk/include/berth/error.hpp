// The one exception of the face: why a method fails, with everything the host can show or decide by.
// It never crosses the contract: the guard of detail/guard.hpp turns it into `fail` on this side.
#ifndef BERTH_ERROR_HPP
#define BERTH_ERROR_HPP

#include <exception>
#include <string>

#include "values.hpp"

namespace berth::inline sdk_v1 {

/// Throw it from any method or from the constructor:
/// `throw berth::Error(berth::Code::not_found, "no such sandbox").hint("...");`
/// No text may hold a credential, an environment value or input.
class Error : public std::exception {
public:
    /// `message`: what happened, one sentence, without the sandbox's name (the host adds it).
    Error(Code code, std::string message) : code_(code), message_(std::move(message)) {}

    /// An error that a sink, source or service of the host returned and has recorded already: it passes on unchanged.
    static Error recorded_by_host(berth_status status, std::string message) {
        const bool sayable = status > 0 && status < BERTH_END;
        Error error(sayable ? static_cast<Code>(status) : Code::internal, std::move(message));
        error.recorded_ = sayable;
        return error;
    }

    /// What to do next.
    Error& hint(std::string text) { return set(hint_, std::move(text)); }
    /// Unsaid, it follows from the code: `none` for refusals such as not_found, else `unknown`.
    Error& outcome(Outcome value) { return set(outcome_, value); }
    /// Such as command, exit_code, stdout, stderr of a failed setup command.
    Error& detail(std::string_view name, std::string_view value) {
        details_.set(name, value);
        return *this;
    }
    /// Which file, bytes.
    Error& path(std::string_view bytes) { return set(path_, std::string{bytes}); }
    /// Which file operation or setup command.
    Error& index(std::uint64_t value) { return set(index_, value); }
    Error& retry_after(Duration value) { return set(retry_after_, value); }
    /// The backend's own code for it.
    Error& upstream_code(std::string text) { return set(upstream_code_, std::move(text)); }
    Error& upstream_request_id(std::string text) { return set(upstream_request_id_, std::move(text)); }

    Code code() const noexcept { return code_; }
    const char* what() const noexcept override { return message_.c_str(); }
    const std::string& message() const noexcept { return message_; }
    const std::optional<std::string>& hint() const noexcept { return hint_; }
    const std::optional<Outcome>& given_outcome() const noexcept { return outcome_; }
    const Variables& details() const noexcept { return details_; }
    const std::optional<std::string>& path() const noexcept { return path_; }
    const std::optional<std::uint64_t>& index() const noexcept { return index_; }
    const std::optional<Duration>& retry_after() const noexcept { return retry_after_; }
    const std::optional<std::string>& upstream_code() const noexcept { return upstream_code_; }
    const std::optional<std::string>& upstream_request_id() const noexcept { return upstream_request_id_; }
    /// True when the host knows this error already.
    bool is_recorded() const noexcept { return recorded_; }

    /// The outcome as said, or the one that follows from the code.
    Outcome outcome() const noexcept {
        if (outcome_) return *outcome_;
        switch (code_) {
            case Code::invalid_argument:
            case Code::not_found:
            case Code::snapshot_not_found:
            case Code::template_not_found:
            case Code::not_ready:
            case Code::unsupported:
            case Code::isolation_unavailable:
                return Outcome::none;
            default:
                return Outcome::unknown;
        }
    }

private:
    template <class Member, class Value>
    Error& set(Member& member, Value&& value) {
        member = std::forward<Value>(value);
        return *this;
    }

    Code code_;
    bool recorded_ = false;
    std::string message_;
    std::optional<std::string> hint_;
    std::optional<Outcome> outcome_;
    Variables details_;
    std::optional<std::string> path_;
    std::optional<std::uint64_t> index_;
    std::optional<Duration> retry_after_;
    std::optional<std::string> upstream_code_;
    std::optional<std::string> upstream_request_id_;
};

}  // namespace berth::inline sdk_v1

#endif
