#include "sandbox_log.hpp"

#include <algorithm>
#include <array>
#include <berth/call.hpp>
#include <ctime>

namespace berth_cloud {

namespace {

constexpr std::size_t part_bytes =
    32U << 10;  // what a command that prints costs at most: the newest part is written anew
constexpr std::size_t most_parts = 256;
constexpr std::size_t longest_line = 16U << 10;
constexpr std::size_t most_held = 1U << 20;

// Parts are named so that they sort by age.
std::string part_key(std::string_view sandbox, std::uint64_t number) {
    std::string digits = std::to_string(number);
    digits.insert(0, 12 - std::min<std::size_t>(digits.size(), 12), '0');
    return "log/" + std::string{sandbox} + "/" + digits;
}

std::uint64_t number_of(const std::string& key) {
    return std::strtoull(key.c_str() + key.rfind('/') + 1, nullptr, 10);
}

std::vector<std::string_view> lines_of(std::string_view text) {
    std::vector<std::string_view> lines;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size() - 1) + 1;
        lines.push_back(text.substr(0, end));
        text.remove_prefix(end);
    }
    return lines;
}

void mask(std::string& text, const std::vector<std::string>& secrets) {
    for (const std::string& secret : secrets)
        for (std::size_t at = text.find(secret); at != std::string::npos; at = text.find(secret, at + 3))
            text.replace(at, secret.size(), "***");
}

}  // namespace

std::string log_time(std::int64_t milliseconds) {
    const std::time_t second = milliseconds / 1000;
    std::tm parts{};
    ::gmtime_r(&second, &parts);
    std::array<char, 64> text{};
    const std::size_t size = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &parts);
    std::string fraction = std::to_string(1000 + milliseconds % 1000);
    return std::string(text.data(), size) + "." + fraction.substr(1) + "Z";
}

void SandboxLog::event(berth::Call& call, std::string_view sandbox, std::string_view text) const {
    try {
        append(call, sandbox,
               log_time(berth::now().time_since_epoch().count()) + " system - " + std::string{text} + "\n");
    } catch (const berth::Error&) {
        return;  // what happened has happened, also without a line about it
    }
}

void SandboxLog::append(berth::Call& call, std::string_view sandbox, const std::string& lines) const {
    if (lines.empty()) return;
    std::vector<std::string> keys = state_.keys(call, "log/" + std::string{sandbox} + "/");
    std::sort(keys.begin(), keys.end());
    std::uint64_t number = keys.empty() ? 1 : number_of(keys.back());
    std::string_view rest = lines;
    while (!rest.empty()) {
        const auto stored = state_.get(call, part_key(sandbox, number));
        std::string part = stored ? stored->value : std::string{};
        if (part.size() >= part_bytes) {
            ++number;
            continue;
        }
        std::size_t size = std::min(rest.size(), part_bytes);
        if (size < rest.size())
            size = rest.rfind('\n', size - 1) == std::string_view::npos ? size : rest.rfind('\n', size - 1) + 1;
        part.append(rest.substr(0, size));
        // Somebody else may have appended meanwhile: then look again.
        if (state_.put(call, part_key(sandbox, number), part, stored ? stored->revision : 0)) rest.remove_prefix(size);
    }
    for (const std::string& key : keys)
        if (number_of(key) + most_parts <= number)
            if (const auto old = state_.get(call, key)) state_.remove(call, key, old->revision);
}

std::string SandboxLog::read(berth::Call& call, std::string_view sandbox, const berth::LogOptions& options) const {
    std::vector<std::string> keys = state_.keys(call, "log/" + std::string{sandbox} + "/");
    std::sort(keys.begin(), keys.end());
    std::string whole;
    for (const std::string& key : keys)
        if (const auto part = state_.get(call, key)) whole += part->value;
    std::vector<std::string_view> lines = lines_of(whole);
    if (const auto since = options.since()) {
        const std::string first = log_time(since->time_since_epoch().count());
        std::erase_if(lines, [&](std::string_view line) { return line.substr(0, first.size()) < first; });
    }
    const std::size_t wanted = std::min<std::uint64_t>(options.lines().value_or(lines.size()), lines.size());
    std::string text;
    for (std::size_t n = lines.size() - wanted; n < lines.size(); ++n)
        text.append(lines[n]);
    return text;
}

void LogLines::add(berth::Stream stream, std::string_view bytes) {
    if (bytes.empty()) return;
    if (newer_.cost() >= most_held) forget_the_oldest();
    const std::int64_t now = berth::now().time_since_epoch().count();
    auto& pieces = newer_.pieces;
    if (pieces.empty() || pieces.back().came_at != now || pieces.back().stream != stream)
        pieces.push_back({now, stream, 0});
    pieces.back().size += bytes.size();
    newer_.bytes.append(bytes);
}

void LogLines::forget_the_oldest() {
    std::size_t end = 0;
    for (const Piece& piece : older_.pieces) {
        end += piece.size;
        source(piece.stream).lacks_beginning = older_.bytes[end - 1] != '\n';
    }
    left_out_ += end;
    std::swap(older_, newer_);
    newer_.bytes.clear();
    newer_.pieces.clear();
}

void LogLines::make_lines(const Piece& piece, std::string_view bytes) {
    Source& from = source(piece.stream);
    for (std::string_view rest : lines_of(behind_the_cut(from, bytes))) {
        const bool ended = rest.back() == '\n';
        if (ended) rest.remove_suffix(1);
        while (from.open.size() + rest.size() > longest_line) {
            const std::size_t size = longest_line - from.open.size();
            from.open.append(rest.substr(0, size));
            rest.remove_prefix(size);
            line(from, piece.came_at, std::exchange(from.open, {}));
        }
        from.open.append(rest);
        if (ended) line(from, piece.came_at, std::exchange(from.open, {}));
    }
}

/// A line without its beginning is no line, and might show half a secret.
std::string_view LogLines::behind_the_cut(Source& from, std::string_view bytes) {
    if (!from.lacks_beginning) return bytes;
    const std::size_t end = std::min(bytes.find('\n'), bytes.size() - 1) + 1;
    const std::size_t size = std::min(end, longest_line - from.skipped);
    from.skipped += size;
    left_out_ += size;
    if (bytes[size - 1] == '\n' || from.skipped == longest_line) from.lacks_beginning = false;
    return bytes.substr(size);
}

void LogLines::line(const Source& from, std::int64_t ended_at, std::string text) {
    mask(text, secrets_);
    std::replace(text.begin(), text.end(), '\0', '?');
    if (ended_at != stamped_at_ || stamp_.empty()) stamp_ = log_time(ended_at);  // lines that came together are many
    stamped_at_ = ended_at;
    done_.append(stamp_).append(" ").append(from.name).append(" ").append(pid_).append(" ").append(text).append("\n");
    if (done_.size() < 2 * most_held) return;
    const std::size_t cut = done_.find('\n', done_.size() - most_held) + 1;
    left_out_ += cut;
    done_.erase(0, cut);
}

std::string LogLines::take() {
    for (Part* part : {&older_, &newer_}) {
        const Part taken = std::exchange(*part, {});
        std::string_view rest = taken.bytes;
        for (const Piece& piece : taken.pieces) {
            make_lines(piece, rest.substr(0, piece.size));
            rest.remove_prefix(piece.size);
        }
    }
    const std::int64_t now = berth::now().time_since_epoch().count();
    for (Source* from : {&out_, &err_}) {
        if (!from->open.empty()) line(*from, now, std::exchange(from->open, {}));
        from->lacks_beginning = false;
        from->skipped = 0;
    }
    std::string lines = std::exchange(done_, {});
    if (left_out_ != 0)
        lines.insert(0, log_time(now) + " system " + pid_ + " " + std::to_string(std::exchange(left_out_, 0)) +
                            " bytes of output left out\n");
    return lines;
}

}  // namespace berth_cloud
