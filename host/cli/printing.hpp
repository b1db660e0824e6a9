// What commands say: results to stdout, everything else to stderr. Knows the formats, no command.
#pragma once

#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "../base/error.hpp"
#include "command.hpp"
#include "json_output.hpp"
#include "table.hpp"

namespace berth::inline host_v1::cli {

/// Thrown when nobody reads our stdout any more: the program ends quietly.
struct OutputClosed {};

/// Any thread.
class Printing {
public:
    Printing(OutputFormat format, Verbosity verbosity, Colour output, Colour error)
        : format_(format), verbosity_(verbosity), output_(output), error_(error) {}

    [[nodiscard]] OutputFormat format() const noexcept { return format_; }
    [[nodiscard]] Verbosity verbosity() const noexcept { return verbosity_; }
    [[nodiscard]] bool wants_json() const noexcept {
        return format_ == OutputFormat::json || format_ == OutputFormat::jsonl;
    }
    /// Of tables on stdout.
    [[nodiscard]] Colour colour() const noexcept { return output_; }

    /// To stdout, byte for byte. Throws OutputClosed, or Error BERTH-X-04.
    void text(std::string_view bytes) const;
    /// One object, indented for json, on one line for jsonl.
    void object(const Json& value) const;
    /// An array for json, a line for each for jsonl.
    void list(const std::vector<Json>& values) const;

    /// A sentence for people, unless they want none.
    void note(std::string_view sentence) const;
    /// A failure: one line, or a JSON object on one line.
    void failure(const Error& error) const;
    void warning(const Error& error) const;
    /// A line of the log, already fit to be shown.
    void log_line(std::string_view line) const;

private:
    void to_stderr(std::string_view line) const;

    OutputFormat format_;
    Verbosity verbosity_;
    Colour output_;
    Colour error_;
    mutable std::mutex mutex_;  ///< of stderr: a line is not cut by another
};

}  // namespace berth::inline host_v1::cli
