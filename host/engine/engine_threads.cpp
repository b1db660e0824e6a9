#include "engine_threads.hpp"

#include <link.h>
#include <unistd.h>

#include <utility>

#include "../base/error.hpp"
#include "diagnostics.hpp"

namespace berth::inline host_v1 {

namespace {

#if defined(BERTH_SANITIZED)
constexpr std::size_t promised_stack = std::size_t{1} << 20U;
#else
constexpr std::size_t promised_stack = std::size_t{256} << 10U;
#endif
constexpr std::size_t own_frames = std::size_t{64} << 10U;

/// glibc takes the static thread-local storage of every loaded library out of the thread's stack. Not all of it is
/// static, so this is an upper bound.
std::size_t thread_local_bytes() {
    std::size_t total = 0;
    ::dl_iterate_phdr(
        [](dl_phdr_info* info, std::size_t, void* sum) {
            for (int index = 0; index < info->dlpi_phnum; ++index) {
                const auto& header = info->dlpi_phdr[index];
                if (header.p_type == PT_TLS) *static_cast<std::size_t*>(sum) += header.p_memsz + header.p_align;
            }
            return 0;
        },
        &total);
    return total;
}

struct Attributes {
    pthread_attr_t value{};
    Attributes() { ::pthread_attr_init(&value); }
    Attributes(const Attributes&) = delete;
    Attributes& operator=(const Attributes&) = delete;
    ~Attributes() { ::pthread_attr_destroy(&value); }
};

}  // namespace

std::size_t EngineThreads::stack_bytes() {
    const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    const auto wanted = promised_stack + own_frames + thread_local_bytes();
    return (wanted + page - 1) / page * page;
}

void* EngineThreads::run(void* thread) noexcept {
    auto* self = static_cast<Thread*>(thread);
    self->work();
    // What the work holds dies here and not when somebody joins: it may be the last owner of a provider.
    self->work = {};
    self->finished.store(true, std::memory_order_release);
    return nullptr;
}

void EngineThreads::start(std::function<void()> work) {
    Attributes attributes;
    ::pthread_attr_setstacksize(&attributes.value, stack_bytes());
    auto thread = std::make_unique<Thread>();
    thread->work = std::move(work);
    const std::lock_guard lock(mutex_);
    join_finished();
    if (const int failure = ::pthread_create(&thread->handle, &attributes.value, run, thread.get()); failure != 0) {
        throw Error(engine_diagnostics::no_system_resource, "cannot start a thread: " + system_message(failure),
                    "Look at the limits of this process (ulimit -u, pids.max) and its memory");
    }
    threads_.push_back(std::move(thread));
}

void EngineThreads::join_finished() {
    for (auto place = threads_.begin(); place != threads_.end();) {
        if ((*place)->finished.load(std::memory_order_acquire)) {
            ::pthread_join((*place)->handle, nullptr);
            place = threads_.erase(place);
        } else {
            ++place;
        }
    }
}

EngineThreads::~EngineThreads() {
    for (const auto& thread : threads_)
        ::pthread_join(thread->handle, nullptr);
}

}  // namespace berth::inline host_v1
