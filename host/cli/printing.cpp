#include "printing.hpp"

#include <unistd.h>

#include <cerrno>

#include "../base/file_descriptor.hpp"
#include "../base/text.hpp"
#include "diagnostics.hpp"

namespace berth::inline host_v1::cli {

void Printing::text(std::string_view bytes) const {
    const int failure = write_all(STDOUT_FILENO, bytes);
    if (failure == EPIPE) throw OutputClosed();
    if (failure != 0) {
        throw Error(cli_diagnostics::output_failed, "the output could not be written: " + system_message(failure),
                    "make room, or send it elsewhere");
    }
}

void Printing::object(const Json& value) const {
    text(format_ == OutputFormat::jsonl ? compact(value) : pretty(value));
}

void Printing::list(const std::vector<Json>& values) const {
    if (format_ != OutputFormat::jsonl) {
        auto array = Json::array();
        for (const auto& value : values) {
            array.push_back(value);
        }
        text(pretty(array));
        return;
    }
    std::string lines;
    for (const auto& value : values) {
        lines += compact(value);
    }
    text(lines);
}

void Printing::note(std::string_view sentence) const {
    if (verbosity_ == Verbosity::quiet || wants_json()) return;
    to_stderr("berth: " + printable(sentence) + "\n");
}

void Printing::failure(const Error& error) const {
    if (wants_json()) {
        to_stderr(compact(json_of(error)));
    } else {
        to_stderr(painted("berth: ", Tone::bad, error_) + printable(error.what()) + "\n");
    }
}

void Printing::warning(const Error& error) const {
    if (verbosity_ == Verbosity::quiet) return;
    if (wants_json()) {
        to_stderr(compact(json_of(error)));
    } else {
        to_stderr(painted("berth: warning: ", Tone::attention, error_) + printable(error.what()) + "\n");
    }
}

void Printing::log_line(std::string_view line) const {
    to_stderr("berth: " + printable(line) + "\n");
}

void Printing::to_stderr(std::string_view line) const {
    const std::lock_guard lock(mutex_);
    static_cast<void>(write_all(STDERR_FILENO, line));  // who closed stderr wants no words
}

}  // namespace berth::inline host_v1::cli
