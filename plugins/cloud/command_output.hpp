// What the wrapper of a command prints, back to what it stands for: started, output byte for byte, how it ended. Pure.
#pragma once

#include <berth/words.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "text.hpp"

namespace berth_cloud {

// Where what was read goes.
class CommandWatcher {
public:
    virtual void started(std::optional<std::int64_t> pid) = 0;
    virtual void output(berth::Stream stream, std::string_view bytes) = 0;

protected:
    ~CommandWatcher() = default;
};

// Passes bytes on up to a mark and nothing behind it, wherever they are cut.
class MarkFilter {
public:
    explicit MarkFilter(std::string mark) : mark_(std::move(mark)) {}
    // What of `bytes`, and of what was held before, may be passed on: until the next call, and as long as `bytes` live.
    [[nodiscard]] std::string_view take(std::string_view bytes);
    // No more will come: what was held for a mark that never came.
    [[nodiscard]] std::string rest();

private:
    std::string mark_;
    std::string held_;    // of what came last: what may be the beginning of the mark
    std::string joined_;  // what was held, and what came behind it
    bool found_ = false;
};

enum class NotStarted { directory_missing, directory_is_file, directory_denied, image_lacks_tool };

struct WrappedEnd {
    int status = 0;  // the shell's: 128 + n for a signal
    bool by_signal = false;
    bool timed_out = false;
};

class CommandOutput {
public:
    explicit CommandOutput(const std::string& token);

    // Text of the API's stream, cut anywhere. Throws berth::Error (protocol_error) when it is none of the wrapper's.
    void take(berth::Stream stream, std::string_view text, CommandWatcher& watcher);
    // Nothing more will come: passes on what was held back.
    void finish(CommandWatcher& watcher);

    [[nodiscard]] const std::optional<WrappedEnd>& end() const { return end_; }
    // Whether nothing that counts can follow, on either stream.
    [[nodiscard]] bool is_complete() const { return not_started_ || (end_ && err_has_ended_); }
    [[nodiscard]] const std::optional<NotStarted>& not_started() const { return not_started_; }
    [[nodiscard]] const std::string& missing_tool() const { return missing_tool_; }
    [[nodiscard]] std::optional<std::int64_t> pid() const { return pid_; }

private:
    struct Channel {
        explicit Channel(const std::string& mark) : filter(mark) {}
        Base64Decoder decoder;
        MarkFilter filter;
        std::string control;
        bool at_line_start = true;
        bool in_control = false;
    };
    Channel& channel(berth::Stream stream) { return stream == berth::Stream::out ? out_ : err_; }
    void data(berth::Stream stream, std::string_view text, CommandWatcher& watcher);
    void control(std::string_view line, CommandWatcher& watcher);

    Channel out_;
    Channel err_;
    std::string decoded_;  // of the present piece
    std::optional<WrappedEnd> end_;
    bool err_has_ended_ = false;
    std::optional<NotStarted> not_started_;
    std::optional<std::int64_t> pid_;
    std::string missing_tool_;
};

}  // namespace berth_cloud
