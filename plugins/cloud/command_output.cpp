#include "command_output.hpp"

#include <algorithm>
#include <berth/error.hpp>
#include <charconv>

#include "command_wrapper.hpp"

namespace berth_cloud {

namespace {

constexpr std::size_t longest_control_line = 200;

[[noreturn]] void foreign(std::string_view text) {
    std::string shown{text.substr(0, 120)};
    std::replace_if(
        shown.begin(), shown.end(), [](unsigned char c) { return c < 0x20 || c >= 0x7f; }, '?');
    throw berth::Error(berth::Code::protocol_error, "the sandbox's shell did not keep to the form: " + shown)
        .hint("the image must have a POSIX sh, setsid, mkfifo, dd and base64");
}

/// The line that is no base64, of lines of which one is not.
std::string_view odd_line(std::string_view lines) {
    const std::size_t odd =
        lines.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=\r\n");
    if (odd != std::string_view::npos && odd > 0) lines.remove_prefix(lines.rfind('\n', odd) + 1);
    return lines.substr(0, lines.find('\n'));
}

/// Where behind the first line of data the next line of control begins. It is looked for by its colon, which no data has.
std::size_t control_line_in(std::string_view text) {
    std::size_t at = text.find(':', 1);
    while (at != std::string_view::npos && text[at - 1] != '\n')
        at = text.find(':', at + 1);
    return at;
}

std::int64_t number_in(std::string_view text) {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size() || value < 0) foreign(text);
    return value;
}

}  // namespace

std::string_view MarkFilter::take(std::string_view bytes) {
    if (found_) return {};
    if (!held_.empty()) {
        joined_ = std::exchange(held_, {});
        bytes = joined_.append(bytes);
    }
    if (const auto at = bytes.find(mark_); at != std::string_view::npos) {
        found_ = true;
        return bytes.substr(0, at);
    }
    // The end of what came may be the beginning of the mark.
    std::size_t keep = std::min(bytes.size(), mark_.size() - 1);
    while (keep > 0 && bytes.substr(bytes.size() - keep) != std::string_view{mark_}.substr(0, keep))
        --keep;
    held_ = bytes.substr(bytes.size() - keep);
    return bytes.substr(0, bytes.size() - keep);
}

std::string MarkFilter::rest() {
    return std::exchange(held_, {});
}

CommandOutput::CommandOutput(const std::string& token) : out_(end_mark(token)), err_(end_mark(token)) {}

void CommandOutput::take(berth::Stream stream, std::string_view text, CommandWatcher& watcher) {
    Channel& to = channel(stream);
    while (!text.empty()) {
        if (to.at_line_start && text.front() == ':') to.in_control = true;
        if (!to.in_control) {
            const std::string_view lines = text.substr(0, control_line_in(text));
            text.remove_prefix(lines.size());
            to.at_line_start = lines.ends_with('\n');
            data(stream, lines, watcher);
            continue;
        }
        const std::size_t newline = text.find('\n');
        const std::string_view part = text.substr(0, newline);
        text.remove_prefix(newline == std::string_view::npos ? text.size() : newline + 1);
        to.at_line_start = newline != std::string_view::npos;
        to.control.append(part.substr(0, longest_control_line + 1));
        if (to.control.size() > longest_control_line) foreign(to.control);
        if (!to.at_line_start) continue;
        to.in_control = false;
        if (stream == berth::Stream::out)
            control(std::exchange(to.control, {}), watcher);
        else if (std::exchange(to.control, {}) == ":z")
            err_has_ended_ = true;
        else
            foreign(text);
    }
}

void CommandOutput::finish(CommandWatcher& watcher) {
    for (const berth::Stream stream : {berth::Stream::out, berth::Stream::err})
        if (const std::string rest = channel(stream).filter.rest(); !rest.empty()) watcher.output(stream, rest);
}

void CommandOutput::data(berth::Stream stream, std::string_view text, CommandWatcher& watcher) {
    decoded_.clear();
    if (!channel(stream).decoder.take(text, decoded_)) foreign(odd_line(text));
    const std::string_view passed = channel(stream).filter.take(decoded_);
    if (!passed.empty()) watcher.output(stream, passed);
}

void CommandOutput::control(std::string_view line, CommandWatcher& watcher) {
    const std::string_view what = line.size() > 3 && line[2] == ' ' ? line.substr(3) : std::string_view{};
    switch (line.size() > 1 ? line[1] : ' ') {
        case 'p':
            pid_ = number_in(what);
            watcher.started(pid_);
            return;
        case 'n':
            watcher.started(std::nullopt);
            end_ = WrappedEnd{static_cast<int>(number_in(what)) & 0xff, false, false};
            return;
        case 'd':
            not_started_ = what == "missing" ? NotStarted::directory_missing
                           : what == "file"  ? NotStarted::directory_is_file
                                             : NotStarted::directory_denied;
            return;
        case 'f':
            not_started_ = NotStarted::image_lacks_tool;
            missing_tool_ = what;
            return;
        case 'x': {
            const std::size_t space = what.find(' ');
            const std::string_view why = space == std::string_view::npos ? std::string_view{} : what.substr(space + 1);
            end_ = WrappedEnd{static_cast<int>(number_in(what.substr(0, space))) & 0xff,
                              why.find('s') != std::string_view::npos, why.find('t') != std::string_view::npos};
            return;
        }
        default:
            foreign(line);
    }
}

}  // namespace berth_cloud
