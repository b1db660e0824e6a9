#include "output_log.hpp"

#include <algorithm>

#include "system_files.hpp"

namespace berth_local {
namespace {

// An overflow ends when there is budget for the tail and some more: not for a line and back again.
constexpr std::int64_t enough_budget = 256 << 10;
// Shorter ones are found everywhere by chance: masking them would only make a log unreadable.
constexpr std::size_t shortest_secret = 4;

// A secret of several lines comes apart in the log, so each of its lines is one.
void add_secret(std::vector<std::string>& secrets, std::string_view value) {
    while (!value.empty()) {
        const std::size_t end = value.find('\n');
        const std::string_view line = value.substr(0, end);
        if (line.size() >= shortest_secret) {
            secrets.emplace_back(line);
        }
        value = end == std::string_view::npos ? std::string_view() : value.substr(end + 1);
    }
}

std::string masked(std::string_view text, const std::vector<std::string>& secrets) {
    std::string result(text);
    for (const std::string& secret : secrets) {
        for (std::size_t at = result.find(secret); at != std::string::npos; at = result.find(secret, at + 3)) {
            result.replace(at, secret.size(), "***");
        }
    }
    return result;
}

// Where a line comes apart that is too long for one of the log: not within a secret. Behind that place `text` has all that
// a secret reaching over it can have.
std::size_t border_of(std::string_view text, const std::vector<std::string>& secrets) {
    std::size_t border = longest_log_line;
    for (bool moved = true; moved;) {
        moved = false;
        for (const std::string& secret : secrets) {
            const std::size_t at = text.find(secret, border < secret.size() ? 0 : border - secret.size() + 1);
            if (at < border && at + secret.size() > border) {
                border = at;
                moved = true;
            }
        }
    }
    return border > 0 ? border : text.size();
}

// The beginning of a secret at the end of `text`, whose rest is left out.
void mask_end(std::string& text, const std::vector<std::string>& secrets) {
    for (const std::string& secret : secrets) {
        for (std::size_t size = std::min(secret.size() - 1, text.size()); size >= shortest_secret; --size) {
            if (std::string_view(text).ends_with(std::string_view(secret).substr(0, size))) {
                text.replace(text.size() - size, size, "***");
                return;
            }
        }
    }
}

// The end of a secret at the beginning of `text`.
void mask_begin(std::string& text, const std::vector<std::string>& secrets) {
    for (const std::string& secret : secrets) {
        for (std::size_t size = std::min(secret.size() - 1, text.size()); size >= shortest_secret; --size) {
            if (text.starts_with(std::string_view(secret).substr(secret.size() - size))) {
                text.replace(0, size, "***");
                return;
            }
        }
    }
}

}  // namespace

OutputLog::OutputLog(int directory, const std::vector<NamedValue>& environment, ProcessSink& to)
    : segment_(directory), to_(to) {
    streams_[0].source = "stdout";
    streams_[1].source = "stderr";
    for (const NamedValue& variable : environment) {
        if (variable.secret) {
            add_secret(secrets_, variable.value);
        }
    }
    // The longest first: one may be part of another.
    std::sort(secrets_.begin(), secrets_.end(),
              [](const std::string& a, const std::string& b) { return a.size() > b.size(); });
    most_begun_ += secrets_.empty() ? 0 : secrets_.front().size() - 1;
}

OutputLog::~OutputLog() {
    for (Stream& stream : streams_) {
        if (stream.overflowing) {
            end_overflow(stream);
        }
        end_line(stream);
    }
    flush();
}

void OutputLog::started(std::optional<std::int64_t> pid) {
    if (pid) {
        pid_ = std::to_string(*pid);
    }
    to_.started(pid);
}

ProcessSink::Taken OutputLog::output(std::int32_t number, std::string_view bytes,
                                     const std::function<void(const Event&)>& on_event) {
    Stream& stream = streams_[number == BERTH_STDOUT ? 0 : 1];
    refill();
    note(stream, bytes);
    flush();
    if (!stream.enough && to_.output(number, bytes, on_event) == Taken::enough) {
        stream.enough = true;
    }
    return Taken::all;  // the log still wants it
}

std::optional<Clock::time_point> OutputLog::next_turn() const {
    if (!streams_[0].overflowing && !streams_[1].overflowing) {
        return std::nullopt;
    }
    const std::int64_t missing = std::max<std::int64_t>(enough_budget - budget_, 0);
    return refilled_at_ + std::chrono::milliseconds(missing * 1000 / log_budget_per_second + 1);
}

void OutputLog::take_turn() {
    refill();
    for (Stream& stream : streams_) {
        if (stream.overflowing && budget_ >= enough_budget) {
            end_overflow(stream);
        }
    }
    flush();
}

void OutputLog::refill() {
    const Clock::time_point now = Clock::now();
    const auto passed = std::chrono::duration_cast<std::chrono::milliseconds>(now - refilled_at_).count();
    if (passed > 0) {
        const std::int64_t gained = std::min<std::int64_t>(passed, 10'000) * log_budget_per_second / 1000;
        budget_ = std::min(budget_ + gained, log_budget_bytes);
        refilled_at_ += std::chrono::milliseconds(passed);
        time_.clear();
    }
}

void OutputLog::note(Stream& stream, std::string_view bytes) {
    if (stream.overflowing && budget_ >= enough_budget) {
        end_overflow(stream);
    }
    while (!bytes.empty()) {
        if (stream.overflowing || budget_ <= 0) {
            keep_tail(stream, bytes);
            return;
        }
        const std::size_t room = most_begun_ - stream.line.size();
        const std::size_t end = bytes.substr(0, room + 1).find('\n');
        if (end == std::string_view::npos && bytes.size() <= room) {
            stream.line += bytes;
            return;
        }
        const std::size_t size = std::min(end, room);
        const Line state = end == std::string_view::npos ? Line::goes_on : Line::ended;
        if (stream.line.empty()) {
            const std::size_t written = write_pieces(stream, bytes.substr(0, size), state);
            stream.line = bytes.substr(written, size - written);
        } else {
            stream.line += bytes.substr(0, size);
            stream.line.erase(0, write_pieces(stream, stream.line, state));
        }
        bytes.remove_prefix(state == Line::goes_on ? size : size + 1);
    }
}

// All of a line that has ended; of one that goes on what no secret can begin in and reach out of. How much that was.
std::size_t OutputLog::write_pieces(Stream& stream, std::string_view text, Line line) {
    std::size_t done = 0;
    while (line == Line::ended ? text.size() - done > longest_log_line : text.size() - done >= most_begun_) {
        const std::size_t border = border_of(text.substr(done), secrets_);
        write_line(stream, text.substr(done, border));
        done += border;
    }
    if (line == Line::ended && (done < text.size() || done == 0)) {
        write_line(stream, text.substr(done));
        done = text.size();
    }
    return done;
}

// There comes no more of it.
void OutputLog::end_line(Stream& stream) {
    if (!stream.line.empty()) {
        (void)write_pieces(stream, stream.line, Line::ended);
        stream.line.clear();
    }
}

void OutputLog::keep_tail(Stream& stream, std::string_view bytes) {
    stream.overflowing = true;
    if (bytes.size() >= log_tail_bytes) {
        stream.left_out += stream.tail.size() + bytes.size() - log_tail_bytes;
        stream.tail.assign(bytes.substr(bytes.size() - log_tail_bytes));
        return;
    }
    stream.tail += bytes;
    // Cut rarely, so that many small pieces are not moved again and again.
    if (stream.tail.size() > 2 * log_tail_bytes) {
        const std::size_t surplus = stream.tail.size() - log_tail_bytes;
        stream.left_out += surplus;
        stream.tail.erase(0, surplus);
    }
}

void OutputLog::end_overflow(Stream& stream) {
    stream.overflowing = false;
    std::string rest = std::exchange(stream.tail, {});
    if (rest.size() > log_tail_bytes) {
        stream.left_out += rest.size() - log_tail_bytes;
        rest.erase(0, rest.size() - log_tail_bytes);
    }
    if (stream.left_out > 0) {
        mask_end(stream.line, secrets_);
        end_line(stream);
        // The first line of what was kept lacks its beginning.
        const std::size_t end = rest.find('\n');
        const std::size_t cut = end == std::string::npos ? 0 : end + 1;
        stream.left_out += cut;
        rest.erase(0, cut);
        if (cut == 0) {
            mask_begin(rest, secrets_);
        }
        write_log_line(batch_, time_.empty() ? time_ = log_time(now_ms()) : time_, "system", pid_,
                       std::to_string(stream.left_out) + " bytes of " + stream.source +
                           " are left out here: they came faster than a log takes them");
        stream.left_out = 0;
    }
    // What was kept is written whatever the budget: even as empty lines it is less than a full one.
    const std::int64_t budget = std::exchange(budget_, log_budget_bytes);
    note(stream, rest);
    budget_ = budget - (log_budget_bytes - budget_);
}

void OutputLog::write_line(Stream& stream, std::string_view text) {
    if (time_.empty()) {
        time_ = log_time(now_ms());
    }
    const std::size_t before = batch_.size();
    if (secrets_.empty()) {
        write_log_line(batch_, time_, stream.source, pid_, text);
    } else {
        write_log_line(batch_, time_, stream.source, pid_, masked(text, secrets_));
    }
    budget_ -= static_cast<std::int64_t>(batch_.size() - before);
    if (batch_.size() >= most_log_append - longest_log_line) {
        flush();
    }
}

void OutputLog::flush() {
    if (!batch_.empty()) {
        (void)segment_.append(batch_);
        batch_.clear();
    }
}

}  // namespace berth_local
