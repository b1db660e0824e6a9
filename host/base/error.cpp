#include "error.hpp"

#include <cerrno>
#include <system_error>

#include "text.hpp"

namespace berth::inline host_v1 {

std::string_view name_of(Code code) noexcept {
    switch (code) {
        case Code::invalid_argument:
            return "INVALID_ARGUMENT";
        case Code::not_found:
            return "NOT_FOUND";
        case Code::snapshot_not_found:
            return "SNAPSHOT_NOT_FOUND";
        case Code::template_not_found:
            return "TEMPLATE_NOT_FOUND";
        case Code::not_ready:
            return "NOT_READY";
        case Code::conflict:
            return "CONFLICT";
        case Code::unsupported:
            return "UNSUPPORTED";
        case Code::timeout:
            return "TIMEOUT";
        case Code::cancelled:
            return "CANCELLED";
        case Code::execution_failed:
            return "EXECUTION_FAILED";
        case Code::file_not_found:
            return "FILE_NOT_FOUND";
        case Code::is_directory:
            return "IS_DIRECTORY";
        case Code::not_directory:
            return "NOT_DIRECTORY";
        case Code::file_exists:
            return "FILE_EXISTS";
        case Code::permission_denied:
            return "PERMISSION_DENIED";
        case Code::path_escape:
            return "PATH_ESCAPE";
        case Code::resource_exhausted:
            return "RESOURCE_EXHAUSTED";
        case Code::rate_limited:
            return "RATE_LIMITED";
        case Code::auth_failed:
            return "AUTH_FAILED";
        case Code::unavailable:
            return "UNAVAILABLE";
        case Code::isolation_unavailable:
            return "ISOLATION_UNAVAILABLE";
        case Code::protocol_error:
            return "PROTOCOL_ERROR";
        case Code::internal:
            return "INTERNAL";
    }
    return "INTERNAL";
}

std::string_view name_of(Outcome outcome) noexcept {
    switch (outcome) {
        case Outcome::unknown:
            return "unknown";
        case Outcome::none:
            return "none";
        case Outcome::done:
            return "done";
    }
    return "unknown";
}

namespace {

std::string place_of(const ErrorFields& fields) {
    std::string place;
    const auto add = [&place](std::string_view word, std::string_view value) {
        if (value.empty()) return;
        if (!place.empty()) place += ", ";
        place += word;
        if (!word.empty()) place += ' ';
        place += value;
    };
    add("", fields.operation);
    if (!fields.sandbox.empty()) {
        add("", fields.provider.empty() ? fields.sandbox : fields.provider + "/" + fields.sandbox);
    } else {
        add("provider", fields.provider);
    }
    if (fields.path) add("path", quoted(*fields.path));
    if (fields.index) add("item", std::to_string(*fields.index));
    return place;
}

/// Plugins and rooms begin their hints as they like; people read them as a sentence after another. What begins with a
/// path, a command in backticks or a flag stays.
std::string as_sentence(std::string text) {
    if (!text.empty() && text.front() >= 'a' && text.front() <= 'z')
        text.front() = static_cast<char>(text.front() - 32);
    return text;
}

std::string line_of(std::string_view diagnostic, const ErrorFields& fields) {
    std::string line;
    if (!fields.location.empty()) line += fields.location + ": ";
    line += printable(fields.message);
    if (const auto place = place_of(fields); !place.empty()) line += " (" + place + ")";
    if (!fields.hint.empty()) line += ". " + as_sentence(printable(fields.hint));
    line += " [" + std::string(diagnostic) + "]";
    return line;
}

}  // namespace

Error::Error(const Diagnostic& diagnostic, Code code, ErrorFields fields)
    : code_(code), diagnostic_(diagnostic.number), fields_(std::move(fields)), line_(line_of(diagnostic_, fields_)) {}

Error::Error(const Diagnostic& diagnostic, ErrorFields fields)
    : Error(diagnostic, diagnostic.code, std::move(fields)) {}

Error::Error(const Diagnostic& diagnostic, std::string message, std::string hint)
    : Error(diagnostic, diagnostic.code, [&] {
          ErrorFields fields;
          fields.message = std::move(message);
          fields.hint = std::move(hint);
          return fields;
      }()) {}

bool Error::retryable() const noexcept {
    switch (code_) {
        case Code::not_ready:
        case Code::conflict:
        case Code::rate_limited:
        case Code::unavailable:
        case Code::timeout:
        case Code::resource_exhausted:
            return fields_.outcome == Outcome::none;
        default:
            return false;
    }
}

Error Error::with_place(std::string_view provider, std::string_view operation, std::string_view sandbox) const {
    auto fields = fields_;
    if (fields.provider.empty()) fields.provider = provider;
    if (fields.operation.empty()) fields.operation = operation;
    if (fields.sandbox.empty()) fields.sandbox = sandbox;
    return {Diagnostic{diagnostic_, code_}, std::move(fields)};
}

Error Error::with_location(std::string location) const {
    auto fields = fields_;
    if (fields.location.empty()) fields.location = std::move(location);
    return {Diagnostic{diagnostic_, code_}, std::move(fields)};
}

std::string system_message(int error_number) {
    return std::generic_category().message(error_number);
}

Code code_of_errno(int error_number) noexcept {
    switch (error_number) {
        case ENOENT:
            return Code::file_not_found;
        case EISDIR:
            return Code::is_directory;
        case ENOTDIR:
            return Code::not_directory;
        case EEXIST:
        case ENOTEMPTY:
            return Code::file_exists;
        case EACCES:
        case EPERM:
        case EROFS:
            return Code::permission_denied;
        case ELOOP:
        case EXDEV:
            return Code::path_escape;
        case ENOSPC:
        case EDQUOT:
        case EFBIG:
        case ENOMEM:
        case EMFILE:
        case ENFILE:
        case EAGAIN:
            return Code::resource_exhausted;
        case ENAMETOOLONG:
        case EINVAL:
            return Code::invalid_argument;
        default:
            return Code::internal;
    }
}

}  // namespace berth::inline host_v1
