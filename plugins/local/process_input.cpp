#include "process_input.hpp"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "terminal_end.hpp"

namespace berth_local {
namespace {

constexpr std::size_t most_at_once = 1U << 20;
constexpr std::size_t most_for_terminal = 4U << 10;

}  // namespace

void ProcessInput::start(Descriptor pipe) {
    target_ = std::move(pipe);
    if (!bytes_ && live_ < 0) {
        close();
    }
}

void ProcessInput::start_terminal(Descriptor master) {
    target_ = std::move(master);
    terminal_ = true;
    if (!bytes_ && live_ < 0) {
        say_end_of_file();
    }
}

ProcessInput::Wanted ProcessInput::wanted() const {
    if (!target_) {
        return {};
    }
    const bool from_caller = !bytes_ && !bytes_wait_ && unwritten_.empty();
    return from_caller ? Wanted{live_, POLLIN} : Wanted{target_.get(), POLLOUT};
}

void ProcessInput::feed() {
    if (!target_) {
        return;
    }
    if (terminal_) {
        feed_terminal();
    } else {
        bytes_ ? feed_bytes() : feed_live();
    }
}

void ProcessInput::feed_bytes() {
    while (offset_ < bytes_->size()) {
        const ssize_t size = ::write(target_.get(), bytes_->data() + offset_, bytes_->size() - offset_);
        if (size < 0 && errno == EINTR) {
            continue;
        }
        if (size < 0 && errno == EAGAIN) {
            return;
        }
        if (size <= 0) {
            break;  // it closed its stdin early
        }
        offset_ += static_cast<std::size_t>(size);
    }
    close();
}

void ProcessInput::feed_live() {
    // A few pieces, then the caller's turn again: two fast ends would keep us here for good.
    for (int piece = 0; piece < 8; ++piece) {
        const ssize_t size =
            ::splice(live_, nullptr, target_.get(), nullptr, most_at_once, SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
        if (size < 0 && errno == EINTR) {
            continue;
        }
        if (size < 0 && errno == EAGAIN) {
            // Either side may be the one that is not ready: look which.
            pollfd there{live_, POLLIN, 0};
            bytes_wait_ = ::poll(&there, 1, 0) > 0;
            return;
        }
        if (size <= 0) {
            return close();  // end of stdin, or nobody reads it
        }
    }
}

// --- onto a terminal

void ProcessInput::feed_terminal() {
    if (unwritten_.empty()) {
        fetch_for_terminal();
    }
    make_unblocking(target_);
    while (!unwritten_.empty()) {
        const ssize_t size = ::write(target_.get(), unwritten_.data(), unwritten_.size());
        if (size < 0 && errno == EINTR) {
            continue;
        }
        if (size < 0 && errno == EAGAIN) {
            return;
        }
        if (size <= 0) {
            return close();  // nobody has the terminal open any more
        }
        unwritten_.erase(0, static_cast<std::size_t>(size));
    }
    if (ended_) {
        close();
    }
}

void ProcessInput::fetch_for_terminal() {
    if (bytes_) {
        unwritten_ = bytes_->substr(offset_, most_for_terminal);
        offset_ += unwritten_.size();
    } else {
        std::array<char, most_for_terminal> buffer{};
        pollfd there{live_, POLLIN, 0};
        if (::poll(&there, 1, 0) <= 0) {
            return;
        }
        const ssize_t size = ::read(live_, buffer.data(), buffer.size());
        if (size < 0 && (errno == EINTR || errno == EAGAIN)) {
            return;
        }
        unwritten_.assign(buffer.data(), size > 0 ? static_cast<std::size_t>(size) : 0);
    }
    if (unwritten_.empty()) {
        return say_end_of_file();
    }
    latest_ = unwritten_.back();
}

// A terminal has no closed end: its reader is told by a byte. In the middle of a line that byte only hands over what is
// there, and a second one is the end.
void ProcessInput::say_end_of_file() {
    unwritten_.append(latest_ == '\n' ? 1 : 2, end_of_file_byte(target_));
    ended_ = true;
}

}  // namespace berth_local
