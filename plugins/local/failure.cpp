#include "failure.hpp"

#include <cerrno>
#include <system_error>

namespace berth_local {

void no_such_sandbox() {
    throw refusal(BERTH_NOT_FOUND, "no such sandbox", "`berth ls` lists those that there are");
}

void no_such_snapshot() {
    throw refusal(BERTH_SNAPSHOT_NOT_FOUND, "no such snapshot", "`berth snapshot ls` lists those that there are");
}

Failure refusal(std::int32_t code, std::string message, std::string hint) {
    Failure refused = failure(code, std::move(message), std::move(hint));
    refused.outcome = BERTH_OUTCOME_NONE;
    return refused;
}

Failure failure(std::int32_t code, std::string message, std::string hint) {
    Failure failed;
    failed.code = code;
    failed.message = std::move(message);
    failed.hint = std::move(hint);
    return failed;
}

std::int32_t code_of_errno(int error) {
    switch (error) {
        case ENOENT:
        case ELOOP:
            return BERTH_FILE_NOT_FOUND;
        case ENOTDIR:
            return BERTH_NOT_DIRECTORY;
        case EISDIR:
            return BERTH_IS_DIRECTORY;
        case EEXIST:
        case ENOTEMPTY:
            return BERTH_FILE_EXISTS;
        case EACCES:
        case EPERM:
        case EROFS:
            return BERTH_PERMISSION_DENIED;
        case ENOSPC:
        case EDQUOT:
        case EFBIG:
        case ENOMEM:
        case EMFILE:
        case ENFILE:
        case EAGAIN:
            return BERTH_RESOURCE_EXHAUSTED;
        case ENAMETOOLONG:
        case EINVAL:
            return BERTH_INVALID_ARGUMENT;
        default:
            return BERTH_INTERNAL;
    }
}

std::string words_of_errno(int error) {
    return std::generic_category().message(error);
}

Failure system_failure(std::string_view what, int error) {
    Failure failure;
    // Trouble with our own files is never the caller's missing file.
    const std::int32_t code = code_of_errno(error);
    failure.code = code == BERTH_RESOURCE_EXHAUSTED || code == BERTH_PERMISSION_DENIED ? code : BERTH_INTERNAL;
    failure.message = std::string(what) + ": " + words_of_errno(error);
    return failure;
}

}  // namespace berth_local
