#include "command_link.hpp"

#include <csignal>

#include "cloud/text.hpp"

namespace berth_daytona {

using berth::Code;
using berth::Error;

constexpr std::size_t most_gathered = 64U << 10;
constexpr int most_sockets = 4;  // for one command; then its log is asked for

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
    try {
        follow();
    } catch (const Error& error) {
        // It runs; whoever listens asks for it.
        if (!error.is_recorded() && error.code() == Code::protocol_error) throw;
        if (error.code() == Code::unsupported) sockets_ = most_sockets;  // nor will it be there the next time
        has_ended_ = true;
    }
}

void DaytonaCommand::follow() {
    socket_.reset();
    markers_ = {};
    forget_text();
    has_ended_ = false;
    socket_.emplace(api_.follow(call_, place_.box, session_, command_));
}

void DaytonaCommand::forget_text() {
    text_.clear();
    pieces_.clear();
    next_ = 0;
}

void DaytonaCommand::keep(std::optional<berth::Stream> stream, std::string_view bytes) {
    if (!stream)
        throw Error(Code::protocol_error, "Daytona sends output without saying of which stream it is")
            .hint("the sandbox's daemon must be of version 0.27 or newer");
    text_.append(bytes);
    if (pieces_.empty() || pieces_.back().stream != *stream) pieces_.push_back({*stream, 0});
    pieces_.back().end = text_.size();
}

/// All that has come, without waiting for more: a log comes in slices of 1 KiB, with a label before each of its lines.
void DaytonaCommand::gather() {
    forget_text();
    while (!has_ended_ && text_.size() < most_gathered) {
        const auto message = socket_->try_receive();
        if (!message) return;
        if (message->kind == berth::MessageKind::closed) {
            has_ended_ = true;  // what looks like the beginning of a label is one: it was cut there
        } else {
            markers_.take(message->bytes, [this](auto stream, std::string_view bytes) { keep(stream, bytes); });
        }
    }
}

Heard DaytonaCommand::hear() {
    if (next_ == pieces_.size() && socket_ && !has_ended_) {
        try {
            gather();
        } catch (const Error& error) {
            // What came before the connection was lost is told first: the next look finds it lost again.
            if (pieces_.empty() || !error.is_recorded()) throw;
        }
    }
    if (next_ == pieces_.size()) return {has_ended_ || !socket_ ? Heard::Kind::end : Heard::Kind::nothing};
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
    socket_.reset();
    CommandLogs logs = api_.logs(call_, place_.box, session_, command_);
    forget_text();
    for (std::string* text : {&logs.out, &logs.err})  // while it runs, the log may be cut in the middle of a label
        text->resize(text->find_last_not_of("\x01\x02") + 1);
    if (!logs.out.empty()) keep(berth::Stream::out, logs.out);
    if (!logs.err.empty()) keep(berth::Stream::err, logs.err);
    has_ended_ = true;
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
