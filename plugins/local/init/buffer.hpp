// A growing run of bytes that never throws: when memory is short it says so and stays as it was.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <cstring>

namespace berth_init {

class Buffer {
public:
    Buffer() = default;
    ~Buffer() { std::free(data_); }
    Buffer(const Buffer&) = delete;
    Buffer& operator=(const Buffer&) = delete;

    bool reserve(std::size_t capacity) {
        if (capacity <= capacity_) {
            return true;
        }
        const std::size_t grown = capacity < 2 * capacity_ ? 2 * capacity_ : capacity;
        void* data = std::realloc(data_, grown);
        if (data == nullptr) {
            failed_ = true;
            return false;
        }
        data_ = static_cast<char*>(data);
        capacity_ = grown;
        return true;
    }
    void append(const char* bytes, std::size_t size) {
        // Nothing, appended to nothing, would be a copy to no place at all.
        if (size > 0 && !failed_ && reserve(size_ + size)) {
            std::memcpy(data_ + size_, bytes, size);
            size_ += size;
        }
    }
    // Makes the content `size` bytes long; new bytes are whatever was there.
    bool resize(std::size_t size) {
        if (!reserve(size)) {
            return false;
        }
        size_ = size;
        return true;
    }
    void clear() { size_ = 0; }
    // Takes over what `other` holds, which is empty afterwards.
    void take(Buffer& other) {
        release();
        data_ = other.data_;
        size_ = other.size_;
        capacity_ = other.capacity_;
        other.data_ = nullptr;
        other.size_ = other.capacity_ = 0;
    }
    void release() {
        std::free(data_);
        data_ = nullptr;
        size_ = capacity_ = 0;
    }
    [[nodiscard]] char* data() { return data_; }
    [[nodiscard]] const char* data() const { return data_; }
    [[nodiscard]] std::size_t size() const { return size_; }
    [[nodiscard]] bool failed() const { return failed_; }

private:
    char* data_ = nullptr;
    std::size_t size_ = 0;
    std::size_t capacity_ = 0;
    bool failed_ = false;
};

}  // namespace berth_init
