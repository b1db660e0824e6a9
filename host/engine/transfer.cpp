#include "transfer.hpp"

#include <utility>

#include "diagnostics.hpp"

namespace berth::inline host_v1 {

void Transfer::moved(std::string_view what, std::uint64_t bytes) {
    done_ += bytes;
    call_.touch();
    if (call_.call().stopped()) call_.check();
    call_.call().progress(what, done_, total_);
}

Error file_error(const Diagnostic& diagnostic, Code code, std::string message, std::string_view path,
                 std::uint64_t operation, std::string hint) {
    ErrorFields fields;
    fields.message = std::move(message);
    fields.hint = std::move(hint);
    fields.path = path;
    fields.index = operation;
    // Operations before this one may be in place.
    fields.outcome = Outcome::unknown;
    return {diagnostic, code, std::move(fields)};
}

Error file_system_error(const Diagnostic& diagnostic, std::string_view act, int error_number, std::string_view path,
                        std::uint64_t operation) {
    return file_error(diagnostic, code_of_errno(error_number),
                      "cannot " + std::string(act) + ": " + system_message(error_number), path, operation);
}

}  // namespace berth::inline host_v1
