#include "command_link.hpp"

#include <algorithm>
#include <csignal>

#include "cloud/text.hpp"

namespace berth_daytona {

using berth::Code;
using berth::Error;

constexpr std::size_t most_gathered = 64U << 10;
constexpr std::size_t most_looked_at = 64U << 10;
constexpr std::size_t longest_split_log = 16U << 20;
constexpr int most_sockets = 4;  // for one command; then its log is asked for

namespace {

std::size_t index_of(berth::Stream stream) {
    return stream == berth::Stream::out ? 0 : 1;
}

/// Empty: that was all.
std::string some_of(berth::Exchange& answer) {
    std::string bytes(most_gathered, '\0');
    bytes.resize(answer.read(bytes.data(), bytes.size()));
    return bytes;
}

std::string rest_of(berth::Exchange& answer) {
    std::string bytes;
    for (std::string more = some_of(answer); !more.empty(); more = some_of(answer)) {
        bytes += more;
        if (bytes.size() > longest_split_log)
            throw Error(Code::resource_exhausted, "a log that Daytona has split is longer than 16 MiB");
    }
    return bytes;
}

}  // namespace

DaytonaCommand::~DaytonaCommand() {
    if (session_.empty() || is_let_go_ || is_gone_) return;
    // A failure here must not hide the one that ended all this.
    if (std::uncaught_exceptions() > exceptions_) call_.keep_reason();
    socket_.reset();
    try {
        api_.end_session(call_, place_.box, session_);
    } catch (const Error&) {
        return;  // it ends with the sandbox at the latest
    }
}

void DaytonaCommand::put_files(const std::vector<ScratchFile>& files) {
    FileForm form;
    for (const ScratchFile& file : files)
        form.add(file.path, file.content);
    api_.finish(api_.begin_upload(call_, place_.box, std::move(form)));
    for (const ScratchFile& file : files)
        api_.set_mode(call_, place_.box, file.path, "600");
}

/// The session's own shell runs the text: what ends a shell must end a child of it, and nothing may read its input.
void DaytonaCommand::send(const ShellCommand& command) {
    std::string text = "(";
    for (const berth::Variable& item : command.env)
        text += " export " + item.name + "=" + shell_word(item.value) + ";";
    text += " exec sh";
    for (const std::string& word : command.words)
        text += " " + shell_word(word);
    text += " ) </dev/null";
    session_ = "berth-" + random_token();
    try {
        api_.make_session(call_, place_.box, session_);
    } catch (...) {
        session_.clear();
        throw;
    }
    command_ = api_.start(call_, place_.box, session_, text).id;
    if (!look()) listen();
}

/// False: there is more than a little of it, or it was not to be had now.
bool DaytonaCommand::look() {
    if (listening_ == Listening::at_once) return false;
    try {
        for (fetch(); !has_ended_; fetch_more())
            if (text_.size() > most_looked_at) return false;
    } catch (const Error&) {
        return false;  // whoever follows it finds out why
    }
    has_looked_ = true;
    return true;
}

void DaytonaCommand::listen() {
    try {
        follow();
    } catch (const Error& error) {
        // It runs; whoever listens asks for it.
        if (!error.is_recorded() && error.code() == Code::protocol_error) throw;
        if (error.code() == Code::unsupported) sockets_ = most_sockets;  // nor will it be there the next time
        has_ended_ = true;
    }
}

/// From its beginning, of which what was seen is not told again.
void DaytonaCommand::listen_behind_the_look() {
    std::size_t seen[2] = {0, 0};
    std::size_t begin = 0;
    for (const Piece& piece : pieces_) {
        seen[index_of(piece.stream)] += piece.end - begin;
        begin = piece.end;
    }
    begin_again();
    listen();
    std::copy(std::begin(seen), std::end(seen), seen_before_);
}

void DaytonaCommand::begin_again() {
    socket_.reset();
    fetched_.reset();
    markers_ = {};
    forget_text();
    std::fill(std::begin(seen_before_), std::end(seen_before_), 0);
    has_looked_ = false;
    has_ended_ = false;
}

void DaytonaCommand::follow() {
    begin_again();
    socket_.emplace(api_.follow(call_, place_.box, session_, command_));
}

/// The log so far, by an ordinary request.
void DaytonaCommand::fetch() {
    begin_again();
    berth::Exchange log = api_.open_log(call_, place_.box, session_, command_);
    std::string begin = some_of(log);
    if (begin.starts_with('{')) {
        CommandLogs logs = read_logs(begin + rest_of(log));
        for (std::string* text : {&logs.out, &logs.err})  // while it runs, the log may be cut in the middle of a label
            text->resize(text->find_last_not_of("\x01\x02") + 1);
        keep(berth::Stream::out, logs.out);
        keep(berth::Stream::err, logs.err);
        has_ended_ = true;
        return;
    }
    fetched_.emplace(std::move(log));
    has_ended_ = begin.empty();
    take(begin);
}

void DaytonaCommand::fetch_more() {
    const std::string more = some_of(*fetched_);
    has_ended_ = more.empty();
    take(more);
}

void DaytonaCommand::forget_text() {
    text_.clear();
    pieces_.clear();
    next_ = 0;
}

void DaytonaCommand::take(std::string_view bytes) {
    markers_.take(bytes, [this](auto stream, std::string_view some) { keep(stream, some); });
}

void DaytonaCommand::keep(std::optional<berth::Stream> stream, std::string_view bytes) {
    if (!stream)
        throw Error(Code::protocol_error, "Daytona sends output without saying of which stream it is")
            .hint("the sandbox's daemon must be of version 0.27 or newer");
    std::size_t& seen = seen_before_[index_of(*stream)];
    const std::size_t known = std::min(seen, bytes.size());
    seen -= known;
    bytes.remove_prefix(known);
    if (bytes.empty()) return;
    text_.append(bytes);
    if (pieces_.empty() || pieces_.back().stream != *stream) pieces_.push_back({*stream, 0});
    pieces_.back().end = text_.size();
}

/// All that has come, without waiting for more: a log comes in slices of 1 KiB, with a label before each of its lines.
void DaytonaCommand::gather() {
    forget_text();
    if (fetched_) {
        fetch_more();
        return;
    }
    while (!has_ended_ && text_.size() < most_gathered) {
        const auto message = socket_->try_receive();
        if (!message) return;
        if (message->kind == berth::MessageKind::closed) {
            has_ended_ = true;  // what looks like the beginning of a label is one: it was cut there
        } else {
            take(message->bytes);
        }
    }
}

Heard DaytonaCommand::hear() {
    if (next_ == pieces_.size() && !has_ended_ && (socket_ || fetched_)) {
        try {
            gather();
        } catch (const Error& error) {
            // What came before the connection was lost is told first: the next look finds it lost again.
            if (pieces_.empty() || !error.is_recorded()) throw;
        }
    }
    if (next_ == pieces_.size() && has_looked_) listen_behind_the_look();
    if (next_ == pieces_.size()) {
        const bool is_over = has_ended_ || (!socket_ && !fetched_);
        return {is_over ? Heard::Kind::end : Heard::Kind::nothing};
    }
    const std::size_t begin = next_ == 0 ? 0 : pieces_[next_ - 1].end;
    const Piece& piece = pieces_[next_++];
    return {Heard::Kind::output, piece.stream, std::string_view{text_}.substr(begin, piece.end - begin)};
}

/// Once the command has ended its log is complete, and needs no socket, which may close early or never. Before that the log
/// so far is as good where sockets do not stay open.
void DaytonaCommand::hear_again() {
    if (!has_exited_ && ++sockets_ < most_sockets) {
        try {
            follow();
            return;
        } catch (const Error& error) {
            if (call_.cancelled() || (!error.is_recorded() && error.code() == Code::protocol_error)) throw;
        }
    }
    fetch();
}

std::optional<std::int64_t> DaytonaCommand::exit_code() {
    try {
        const auto code = api_.command(call_, place_.box, session_, command_).exit_code;
        has_exited_ = code.has_value();
        return code;
    } catch (const Error& error) {
        if (error.is_recorded()) throw;
        is_gone_ = error.code() == Code::not_found;
        // The proxy before the toolbox says this of a sandbox that is not there any more, too: the control plane knows.
        if (error.code() == Code::auth_failed) throw Error(Code::not_found, error.message());
        throw;
    }
}

/// A session lives as long as its sandbox runs: where it is gone, everything is that ran.
bool DaytonaCommand::is_sandbox_over() {
    if (is_gone_) return true;
    try {
        return !api_.get(call_, place_.sandbox).runs();
    } catch (const Error& error) {
        if (error.code() == Code::not_found && !error.is_recorded()) return true;
        throw;
    }
}

void DaytonaCommand::beside(const std::string& script) {
    (void)api_.execute(call_, place_.box, "setsid sh -c " + shell_word(script) + " </dev/null >/dev/null 2>&1 &", 30);
}

/// Without a process id there is only the session, whose end ends all in it.
void DaytonaCommand::kill(int signal) {
    if (signal != SIGKILL && signal != SIGTERM) return;
    api_.end_session(call_, place_.box, session_);
    is_gone_ = true;
}

}  // namespace berth_daytona
