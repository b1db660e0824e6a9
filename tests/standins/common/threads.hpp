// Threads that do something once and end by themselves, all awaited at the end. Knows nothing else.
#pragma once

#include <atomic>
#include <exception>
#include <functional>
#include <iostream>
#include <list>
#include <mutex>
#include <thread>

namespace standin {

class Threads {
public:
    Threads() = default;
    Threads(const Threads&) = delete;
    Threads& operator=(const Threads&) = delete;
    ~Threads() { join(); }

    void start(std::function<void()> work) {
        const std::lock_guard lock(mutex_);
        forget_those_over();
        auto& one = threads_.emplace_back();
        one.thread = std::thread([&one, work = std::move(work)] {
            try {
                work();
            } catch (const std::exception& failure) {
                std::cerr << "the stand-in failed: " << failure.what() << std::endl;
            }
            one.over = true;
        });
    }

    /// Awaits all, also those that they start meanwhile.
    void join() {
        while (true) {
            std::list<One> now;
            {
                const std::lock_guard lock(mutex_);
                now.swap(threads_);
            }
            if (now.empty()) return;
            for (auto& one : now) {
                one.thread.join();
            }
        }
    }

private:
    struct One {
        std::thread thread;
        std::atomic<bool> over = false;
    };

    void forget_those_over() {
        threads_.remove_if([](One& one) {
            if (!one.over) return false;
            one.thread.join();
            return true;
        });
    }

    std::mutex mutex_;
    std::list<One> threads_;
};

}  // namespace standin
