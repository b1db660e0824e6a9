// The caller's handle of a process: every member is one question to the state behind it.
#include "process.hpp"

#include <array>
#include <utility>

#include "process_state.hpp"

namespace berth::inline host_v1 {

std::size_t ByteStream::read(std::span<std::byte> buffer) {
    return state_->channel().read(stream_, buffer, std::nullopt).value_or(0);
}

std::optional<std::size_t> ByteStream::read_for(std::span<std::byte> buffer, Milliseconds patience) {
    return state_->channel().read(stream_, buffer, later(OutputChannel::Clock::now(), patience));
}

std::string ByteStream::read_all() {
    std::string text;
    std::array<std::byte, 16384> buffer{};
    while (const auto count = read(buffer)) {
        const auto* begin = static_cast<const char*>(static_cast<const void*>(buffer.data()));
        text.append(begin, count);
    }
    return text;
}

Process::Process(std::shared_ptr<ProcessState> state) : state_(std::move(state)) {
    if (state_->has_stream(OutputStream::output)) output_ = ByteStream(state_, OutputStream::output);
    if (state_->has_stream(OutputStream::error)) error_ = ByteStream(state_, OutputStream::error);
}

Process::Process(Process&&) noexcept = default;

Process& Process::operator=(Process&& other) noexcept {
    if (this != &other) {
        if (state_) state_->abandon();
        state_ = std::move(other.state_);
        output_ = std::move(other.output_);
        error_ = std::move(other.error_);
    }
    return *this;
}

Process::~Process() {
    if (state_) state_->abandon();
}

std::optional<std::int64_t> Process::pid() const {
    return state_->pid();
}

ByteStream* Process::standard_output() noexcept {
    return output_ ? &*output_ : nullptr;
}

ByteStream* Process::standard_error() noexcept {
    return error_ ? &*error_ : nullptr;
}

std::shared_future<ProcessResult> Process::completion() const {
    return state_->completion();
}

std::optional<ProcessResult> Process::wait_for(Milliseconds patience) const {
    const auto future = completion();
    const auto moment = later(std::chrono::steady_clock::now(), patience);
    if (future.wait_until(moment) != std::future_status::ready) return std::nullopt;
    return future.get();
}

bool Process::kill(int signal) {
    return state_->kill(signal);
}

void Process::cancel() {
    state_->cancel();
}

void Process::detach() {
    state_->detach();
}

void Process::resize(TerminalSize size) {
    state_->resize(size);
}

void Process::write_stdin(std::string_view bytes) {
    state_->write_stdin(bytes);
}

void Process::close_stdin() {
    state_->close_stdin();
}

int Process::stdin_descriptor() const noexcept {
    const auto* pipe = state_->standard_input();
    return pipe == nullptr ? -1 : pipe->descriptor();
}

}  // namespace berth::inline host_v1
