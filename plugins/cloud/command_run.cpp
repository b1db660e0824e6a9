#include "command_run.hpp"

#include <poll.h>

#include <csignal>

#include "text.hpp"

namespace berth_cloud {

namespace {

using berth::Code;
using berth::EndKind;
using berth::Error;
using berth::Outcome;
using berth::Stream;

constexpr std::size_t largest_env = 64U << 10;
constexpr std::size_t largest_script = 96U << 10;  // the kernel takes 128 KiB in one argument
constexpr int most_failures = 6;                   // of asking what became of it
constexpr int most_streams_at_once = 3;            // then there is a pause before each
constexpr int longest_pause_ms = 1000;

std::size_t size_of(const berth::Variables& variables) {
    std::size_t size = 0;
    for (const berth::Variable& item : variables)
        size += item.name.size() + item.value.size() + 2;
    return size;
}

[[noreturn]] void refuse(NotStarted why, const CommandPlan& plan, const std::string& tool) {
    const auto fail = [&](Code code, const std::string& message) {
        throw Error(code, message).path(plan.directory).outcome(Outcome::none);
    };
    switch (why) {
        case NotStarted::directory_missing:
            fail(Code::file_not_found, "the working directory does not exist in the sandbox");
            break;
        case NotStarted::directory_is_file:
            fail(Code::not_directory, "the working directory is no directory");
            break;
        case NotStarted::directory_denied:
            fail(Code::permission_denied, "the working directory may not be entered");
            break;
        case NotStarted::image_lacks_tool:
            break;
    }
    throw Error(Code::execution_failed, "the sandbox's image lacks " + tool)
        .hint("use an image with a POSIX sh, setsid, mkfifo, dd and base64, and a /tmp that can be written")
        .outcome(Outcome::none);
}

}  // namespace

berth::ProcessEnd Run::run(const RunPlan& plan) {
    kill_grace_ms_ = plan.command.kill_grace_ms;
    output_.emplace(plan.command.token);
    call_.throw_if_cancelled();
    send(plan);
    read_to_the_end();
    output_->finish(*this);
    if (detached_) link_.let_go();
    if (const auto why = output_->not_started(); why && !cancelled_)
        refuse(*why, plan.command, output_->missing_tool());
    return end();
}

void Run::send(const RunPlan& plan) {
    CommandPlan command = plan.command;
    ShellCommand shell;
    const bool large = size_of(plan.env) > largest_env;
    for (const berth::Variable& item : plan.env)
        if (large || !is_utf8(item.value) || is_wrappers_own(item.name))
            command.odd_variables.emplace_back(item.name, item.value);
        else
            shell.env.set(item.name, item.value, item.secret);
    const std::string prefix = scratch_prefix(command.token);
    std::vector<ScratchFile> files;
    if (plan.input && !plan.input->empty()) {
        command.input_file = prefix + ".i";
        files.push_back({prefix + ".i", *plan.input});
    }
    std::string script = wrapper_script(command);
    if (large || script.size() > largest_script) {
        script.insert(0, "rm -f \"$0\"\n");
        files.push_back({prefix + ".c", script});
        shell.words = {prefix + ".c"};
    } else {
        shell.words = {"-c", script, "sh"};
    }
    if (!files.empty()) link_.put_files(files);
    if (command.timeout_ms > 0)  // a net below our own timeout, should that be killed
        shell.timeout_ms = command.timeout_ms + command.kill_grace_ms + command.drain_grace_ms + 1000;
    link_.send(shell);
    sent_ = true;
}

bool Run::is_decided() const {
    return detached_ || sandbox_over_ || output_->end() || output_->not_started();
}

/// The last word on one stream is none on the other: which of them comes first is chance.
bool Run::is_over() const {
    return detached_ || sandbox_over_ || output_->is_complete();
}

void Run::read_to_the_end() {
    while (!detached_ && !sandbox_over_ && !stream_is_over_) {
        while (const auto event = call_.next_event())
            act_on(*event);
        if (call_.cancelled() && !cancelled_) cancel();
        if (detached_) break;
        try {
            const Heard heard = link_.hear();
            if (heard.kind == Heard::Kind::nothing) {
                wait_for_more();
                continue;
            }
            if (heard.kind != Heard::Kind::end) {
                look_at(heard);
                continue;
            }
            stream_broke_ = false;
        } catch (const Error& error) {
            // What a backend sends against its protocol will not be better the next time.
            if (error.code() == Code::protocol_error) throw;
            if (call_.cancelled() && !cancelled_) continue;
            if (!error.is_recorded()) throw;
            stream_broke_ = true;
        }
        if (is_over()) break;
        try {
            recover();
        } catch (const Error&) {
            if (!call_.cancelled() || cancelled_) throw;
        }
    }
}

void Run::look_at(const Heard& heard) {
    switch (heard.kind) {
        case Heard::Kind::exit:
            told_exit_ = heard.exit_code;
            stream_is_over_ = is_over();  // else what it printed last is missing
            break;
        case Heard::Kind::output:
            pass(heard.stream, heard.data);
            if (link_.ends_late() && output_->is_complete()) stream_is_over_ = true;
            break;
        case Heard::Kind::broken:
            if (is_over())
                stream_is_over_ = true;
            else
                recover();
            break;
        case Heard::Kind::nothing:
        case Heard::Kind::end:
            break;
    }
}

/// Output is counted, so that a stream that begins again is passed on only from where the last one broke off.
void Run::pass(Stream stream, std::string_view data) {
    const int index = stream == Stream::out ? 0 : 1;
    const std::size_t known = std::min(data.size(), seen_[index] - std::min(seen_[index], at_[index]));
    at_[index] += data.size();
    data.remove_prefix(known);
    if (data.empty()) return;
    seen_[index] += data.size();
    recoveries_ = 0;
    output_->take(stream, data, *this);
}

void Run::wait_for_more() {
    // By what was acted on, not by what is true by now: a cancel that came in between must wake this.
    pollfd waiting[2] = {{cancelled_ ? -1 : call_.events_fd(), POLLIN, 0}, {link_.fd(), POLLIN, 0}};
    if (::poll(waiting, 2, waited_ms(is_decided() ? 2000 : link_.patience_ms())) != 0) return;
    if (is_over())
        stream_is_over_ = true;
    else if (is_decided() || may_have_ended())
        recover();
}

/// A question that fails is asked again by recover(), which has more patience.
bool Run::may_have_ended() {
    if (!link_.is_known()) return false;
    try {
        return link_.exit_code().has_value();
    } catch (const Error&) {
        return !call_.cancelled() || cancelled_;
    }
}

void Run::started(std::optional<std::int64_t> pid) {
    log_.pid(pid);
    sink_.started(pid);
    if (cancelled_ && pid) link_.beside(ladder_script(*pid, kill_grace_ms_));
}

void Run::output(Stream stream, std::string_view bytes) {
    if (!sink_.wants(stream)) return;
    log_.add(stream, bytes);
    pass_on(stream, bytes);
}

void Run::pass_on(Stream stream, std::string_view bytes) {
    if (enough_) return;
    const berth::Delivered answer = sink_.output(stream, bytes, [this](const berth::Event& event) { act_on(event); });
    if (answer == berth::Delivered::enough) enough_ = true;
    if (answer == berth::Delivered::cancelled && !cancelled_) {
        cancel();
        pass_on(stream, bytes);
    }
}

void Run::act_on(const berth::Event& event) {
    switch (event.kind) {
        case berth::EventKind::cancel:
            break;  // call_.cancelled() says it, too
        case berth::EventKind::signal:
            signal(event.signal);
            break;
        case berth::EventKind::resize:
            break;
        case berth::EventKind::detach:
            detached_ = true;
            break;
    }
}

void Run::signal(int number) {
    if (output_->end()) return;
    signalled_ = true;
    killed_ = killed_ || number == SIGTERM || number == SIGKILL;
    try {
        if (output_->pid())
            link_.beside(signal_script(*output_->pid(), number));
        else if (link_.is_known())
            link_.kill(number);
    } catch (const Error&) {
        // The stream goes on and tells what became of the process; a caller whose signal was lost sends it again.
        if (call_.cancelled() && !cancelled_) cancel();
    }
}

/// From here on what runs is ended, in the window that the host grants, and its last words are read.
void Run::cancel() {
    cancelled_ = true;
    (void)call_.begin_cleanup(berth::Duration{kill_grace_ms_} + std::chrono::seconds{8});
    try {
        if (output_->end() || output_->not_started()) return;
        if (output_->pid())
            link_.beside(ladder_script(*output_->pid(), kill_grace_ms_));
        else if (link_.is_known())
            link_.kill(SIGKILL);
    } catch (const Error&) {
        sandbox_over_ = true;  // nothing more can be done from here
    }
}

Error Run::lost() const {
    if (output_->end())
        return Error(Code::unavailable,
                     "the command has ended, but the connection was lost before all of its output was here")
            .outcome(Outcome::done)
            .hint("the output so far is what came before");
    return Error(Code::unavailable, "the connection was lost while the command ran; what became of it is not known")
        .outcome(Outcome::unknown)
        .hint("the output so far is what came before; look into the sandbox before you run it again");
}

/// The stream is over before the end of the command was told: asks what became of it, and goes on where it broke off. A backend
/// that answers is asked as long as the command runs, if less and less often; one that does not is given up.
void Run::recover() {
    if (!link_.is_known()) throw lost();
    if (told_exit_ && recoveries_ > 0 && !stream_broke_) {
        stream_is_over_ = true;  // read again to its end: the wrapper was killed and could not tell
        return;
    }
    if (told_exit_ && recoveries_ >= most_failures && !output_->end()) {  // there is an end, but it cannot be had
        if (!cancelled_) throw lost();
        sandbox_over_ = true;
        return;
    }
    if (output_->end() && recoveries_ >= most_failures) {  // what is missing will not come any more
        stream_is_over_ = true;
        return;
    }
    ++streams_;
    if (recoveries_++ > 0 || streams_ > most_streams_at_once)
        call_.wait(berth::Duration{waited_ms(std::min(longest_pause_ms, 50 * streams_))});
    for (int failures = 1;; ++failures, call_.wait(berth::Duration{waited_ms(100 << failures)})) {
        if (failures > most_failures) {
            if (cancelled_) {
                sandbox_over_ = true;
                return;
            }
            throw lost();
        }
        try {
            told_exit_ = link_.exit_code();
            link_.hear_again();
            at_[0] = at_[1] = 0;
            return;
        } catch (const Error& error) {
            if (call_.cancelled() && !cancelled_) {
                cancel();
                continue;
            }
            if (error.code() != Code::not_ready && error.code() != Code::not_found && error.code() != Code::conflict)
                continue;
        }
        try {
            if (link_.is_sandbox_over()) {
                sandbox_over_ = true;
                return;
            }
        } catch (const Error&) {
            if (call_.cancelled() && !cancelled_) cancel();
        }
    }
}

berth::ProcessEnd Run::end() const {
    if (detached_) return berth::ProcessEnd::detached();
    if (const auto& told = output_->end()) {
        if (sandbox_over_ && !cancelled_ && !output_->is_complete()) throw lost();
        const EndKind kind = told->timed_out                              ? EndKind::timeout
                             : cancelled_                                 ? EndKind::cancelled
                             : killed_ || (signalled_ && told->by_signal) ? EndKind::killed
                             : told->by_signal                            ? EndKind::signalled
                                                                          : EndKind::exited;
        if (told->by_signal) return berth::ProcessEnd::by_signal(told->status - 128, kind);
        return {kind, told->status, 0, {}};
    }
    if (cancelled_) return berth::ProcessEnd::by_signal(SIGKILL, EndKind::cancelled);
    if (sandbox_over_) return berth::ProcessEnd::by_signal(SIGKILL, EndKind::killed);
    const auto status = static_cast<int>(told_exit_.value_or(137) & 0xff);
    if (status > 128 && status < 193)
        return berth::ProcessEnd::by_signal(status - 128, killed_ ? EndKind::killed : EndKind::signalled);
    throw Error(Code::unavailable, "the command ended without telling how its program ended").outcome(Outcome::unknown);
}

}  // namespace berth_cloud
