#include "process_input.hpp"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>

namespace berth_local {
namespace {

constexpr std::size_t most_at_once = 1U << 20;

}  // namespace

void ProcessInput::start(Descriptor pipe) {
    pipe_ = std::move(pipe);
    if (!bytes_ && live_ < 0) {
        close();
    }
}

ProcessInput::Wanted ProcessInput::wanted() const {
    if (!pipe_) {
        return {};
    }
    const bool from_caller = !bytes_ && !bytes_wait_;
    return from_caller ? Wanted{live_, POLLIN} : Wanted{pipe_.get(), POLLOUT};
}

void ProcessInput::feed() {
    if (pipe_) {
        bytes_ ? feed_bytes() : feed_live();
    }
}

void ProcessInput::feed_bytes() {
    while (offset_ < bytes_->size()) {
        const ssize_t size = ::write(pipe_.get(), bytes_->data() + offset_, bytes_->size() - offset_);
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
    for (;;) {
        const ssize_t size =
            ::splice(live_, nullptr, pipe_.get(), nullptr, most_at_once, SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
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

}  // namespace berth_local
