#include "output_channel.hpp"

#include <algorithm>
#include <cstring>

#include "../base/text.hpp"

namespace berth::inline host_v1 {

void OutputChannel::Queue::push(std::string_view more) {
    if (begin > 0 && begin >= bytes.size() / 2) {
        bytes.erase(0, begin);
        begin = 0;
    }
    bytes.append(more);
}

void OutputChannel::Queue::drop_to(std::size_t count) {
    if (unread() <= count) return;
    begin = bytes.size() - count;
    begin += broken_utf8_prefix(std::string_view(bytes).substr(begin));
}

std::size_t OutputChannel::Queue::take(std::span<std::byte> buffer) {
    const auto count = std::min(buffer.size(), unread());
    if (count > 0) std::memcpy(buffer.data(), bytes.data() + begin, count);
    begin += count;
    if (begin == bytes.size()) {
        bytes.clear();
        begin = 0;
    }
    return count;
}

OutputChannel::Taken OutputChannel::offer(OutputStream stream, std::string_view bytes,
                                          const std::function<bool()>& event_waiting) {
    std::unique_lock lock(mutex_);
    auto& chosen = queue(stream);
    const auto fits = [&](std::size_t room) { return chosen.unread() == 0 || chosen.unread() + bytes.size() <= room; };
    const auto flows = [&] { return free_from_ && *free_from_ <= Clock::now(); };
    for (;;) {
        if (abandoned_) return Taken::taken;
        if (overflow_ == Overflow::drop_oldest || fits(capacity)) break;
        if (events_ != interrupted_) {
            // Before the room that a signal makes is used: it is meant for what comes after the plugin heard of it. And
            // once for each event: a plugin that does not listen must not turn this into a busy loop.
            interrupted_ = events_;
            lock.unlock();
            if (event_waiting()) return Taken::interrupted;
            lock.lock();
            continue;
        }
        if (fits(room_) || flows()) break;
        if (free_from_) {
            writable_.wait_until(lock, *free_from_);
        } else {
            writable_.wait(lock);
        }
    }
    chosen.push(bytes);
    if (overflow_ == Overflow::drop_oldest) {
        chosen.drop_to(capacity);
    } else if (flows()) {
        chosen.drop_to(capacity + reserve);
    }
    readable_.notify_all();
    return Taken::taken;
}

void OutputChannel::end() {
    const std::lock_guard lock(mutex_);
    ended_ = true;
    readable_.notify_all();
}

void OutputChannel::wake() {
    const std::lock_guard lock(mutex_);
    ++events_;
    writable_.notify_all();
}

void OutputChannel::make_room() {
    const std::lock_guard lock(mutex_);
    const auto unread = std::max(queues_[0].unread(), queues_[1].unread());
    room_ = std::max(room_, std::min(std::max(capacity, unread) + reserve, capacity + most_reserves * reserve));
    writable_.notify_all();
}

void OutputChannel::flow_freely_from(Clock::time_point moment) {
    const std::lock_guard lock(mutex_);
    if (!free_from_ || moment < *free_from_) free_from_ = moment;
    writable_.notify_all();
}

void OutputChannel::abandon() {
    const std::lock_guard lock(mutex_);
    abandoned_ = true;
    queues_ = {};
    writable_.notify_all();
}

std::optional<std::size_t> OutputChannel::read(OutputStream stream, std::span<std::byte> buffer,
                                               std::optional<Clock::time_point> moment) {
    if (buffer.empty()) return 0;
    std::unique_lock lock(mutex_);
    auto& chosen = queue(stream);
    const auto something = [&] { return chosen.unread() > 0 || ended_ || abandoned_; };
    if (!moment) {
        readable_.wait(lock, something);
    } else if (!readable_.wait_until(lock, *moment, something)) {
        return std::nullopt;
    }
    const auto count = chosen.take(buffer);
    if (count > 0) writable_.notify_one();
    return count;
}

}  // namespace berth::inline host_v1
