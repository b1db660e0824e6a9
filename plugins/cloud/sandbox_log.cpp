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
    const char* source = stream == berth::Stream::out ? "stdout" : "stderr";
    std::string& open = stream == berth::Stream::out ? open_out_ : open_err_;
    for (std::string_view rest : lines_of(bytes)) {
        const bool ended = rest.back() == '\n';
        if (ended) rest.remove_suffix(1);
        while (open.size() + rest.size() > longest_line) {
            const std::size_t size = longest_line - open.size();
            open.append(rest.substr(0, size));
            rest.remove_prefix(size);
            line(source, std::exchange(open, {}));
        }
        open.append(rest);
        if (ended) line(source, std::exchange(open, {}));
    }
}

void LogLines::line(const char* source, std::string text) {
    mask(text, secrets_);
    std::replace(text.begin(), text.end(), '\0', '?');
    const std::int64_t now = berth::now().time_since_epoch().count();
    if (now != stamped_at_ || stamp_.empty()) stamp_ = log_time(now);  // lines that came together are many
    stamped_at_ = now;
    done_.append(stamp_).append(" ").append(source).append(" ").append(pid_).append(" ").append(text).append("\n");
    if (done_.size() < 2 * most_held) return;
    const std::size_t cut = done_.find('\n', done_.size() - most_held) + 1;
    left_out_ += cut;
    done_.erase(0, cut);
}

std::string LogLines::take() {
    if (!open_out_.empty()) line("stdout", std::exchange(open_out_, {}));
    if (!open_err_.empty()) line("stderr", std::exchange(open_err_, {}));
    std::string lines = std::exchange(done_, {});
    if (left_out_ != 0)
        lines.insert(0, log_time(berth::now().time_since_epoch().count()) + " system " + pid_ + " " +
                            std::to_string(std::exchange(left_out_, 0)) + " bytes of output left out\n");
    return lines;
}

}  // namespace berth_cloud
