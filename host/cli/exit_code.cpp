#include "exit_code.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace berth::inline host_v1::cli {

namespace {

/// Calls that change nothing, so that repeating them is always safe.
constexpr std::array<std::string_view, 9> reading_operations{
    "get",      "list",           "get_resource_usage",        "is_ready", "download_files",
    "get_logs", "list_snapshots", "get_environment_variables", "describe"};

bool only_reads(const Error& error) noexcept {
    const auto& operation = error.fields().operation;
    return std::find(reading_operations.begin(), reading_operations.end(), operation) != reading_operations.end();
}

/// Answers that say what is the matter, even where earlier parts of the call are in place: the error names them.
bool is_definite(Code code) noexcept {
    switch (code) {
        case Code::invalid_argument:
        case Code::unsupported:
        case Code::file_not_found:
        case Code::is_directory:
        case Code::not_directory:
        case Code::file_exists:
        case Code::permission_denied:
        case Code::path_escape:
            return true;
        default:
            return false;
    }
}

int weight(int code) noexcept {
    switch (code) {
        case exit_ok:
            return 0;
        case exit_outcome_unknown:
            return 4;
        case exit_failure:
            return 3;
        case exit_deadline:
            return 2;
        default:
            return 1;
    }
}

}  // namespace

int exit_code_of(const Error& error) noexcept {
    const bool open = error.fields().outcome == Outcome::unknown && !only_reads(error) && !is_definite(error.code());
    if (open) return exit_outcome_unknown;
    return error.code() == Code::timeout ? exit_deadline : exit_failure;
}

int exit_code_of(const ProcessResult& result) noexcept {
    if (result.status == ProcessStatus::timeout) return exit_deadline;
    if (result.status == ProcessStatus::killed && result.signal) return exit_signal_base + *result.signal;
    return result.exit_code;
}

int worse_exit_code(int one, int other) noexcept {
    return weight(other) > weight(one) ? other : one;
}

}  // namespace berth::inline host_v1::cli
