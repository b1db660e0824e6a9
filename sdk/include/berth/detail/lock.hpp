// A lock that one thread may take again while it holds it. Not <mutex>: that header alone would double the time a small
// plugin takes to compile.
#ifndef BERTH_DETAIL_LOCK_HPP
#define BERTH_DETAIL_LOCK_HPP

#include <pthread.h>

namespace berth::inline sdk_v1::detail {

class Lock {
public:
    Lock() {
        pthread_mutexattr_t attributes;
        pthread_mutexattr_init(&attributes);
        pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE);
        pthread_mutex_init(&mutex_, &attributes);
        pthread_mutexattr_destroy(&attributes);
    }
    ~Lock() { pthread_mutex_destroy(&mutex_); }
    Lock(const Lock&) = delete;
    Lock& operator=(const Lock&) = delete;
    void lock() { pthread_mutex_lock(&mutex_); }
    void unlock() { pthread_mutex_unlock(&mutex_); }

private:
    pthread_mutex_t mutex_{};
};

/// Holds `lock`, when there is one, as long as it lives.
class Locking {
public:
    explicit Locking(Lock* lock) : lock_(lock) {
        if (lock_ != nullptr) lock_->lock();
    }
    ~Locking() {
        if (lock_ != nullptr) lock_->unlock();
    }
    Locking(const Locking&) = delete;
    Locking& operator=(const Locking&) = delete;

private:
    Lock* lock_;
};

}  // namespace berth::inline sdk_v1::detail

#endif
