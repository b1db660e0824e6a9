// Why something could not be done, in the contract's words. Thrown by every room of `local`; local.cpp hands it on.
#pragma once

#include <berth/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace berth_local {

struct Failure {
    std::int32_t code = BERTH_INTERNAL;
    std::string message;
    std::string hint;
    std::int32_t outcome = BERTH_OUTCOME_UNKNOWN;
    std::vector<std::pair<std::string, std::string>> details;
    std::optional<std::uint64_t> index;
    std::string path;
};

// The two plain kinds: certainly nothing happened, or nobody can say.
[[nodiscard]] Failure refusal(std::int32_t code, std::string message, std::string hint = {});
[[nodiscard]] Failure failure(std::int32_t code, std::string message, std::string hint = {});

// Nothing is known of it here, and where to look.
[[noreturn]] void no_such_sandbox();
[[noreturn]] void no_such_snapshot();

// What a failed system call means to the caller: the code, and `what: <the system's words>`.
[[nodiscard]] Failure system_failure(std::string_view what, int error);
[[nodiscard]] std::int32_t code_of_errno(int error);
[[nodiscard]] std::string words_of_errno(int error);

}  // namespace berth_local
