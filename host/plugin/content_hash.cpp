#include "content_hash.hpp"

#include <sodium/crypto_hash_sha256.h>
#include <sodium/utils.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

namespace berth::inline host_v1 {

namespace {

constexpr std::string_view prefix = "sha256:";
constexpr std::size_t digits = std::size_t{2} * crypto_hash_sha256_BYTES;
constexpr std::size_t bytes_at_once = std::size_t{256} * 1024;

}  // namespace

struct ContentHash::State {
    crypto_hash_sha256_state sha256;
};

ContentHash::ContentHash() : state_(std::make_unique<State>()) {
    crypto_hash_sha256_init(&state_->sha256);
}

ContentHash::~ContentHash() = default;

void ContentHash::add(std::span<const std::byte> bytes) {
    crypto_hash_sha256_update(&state_->sha256, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
}

std::string ContentHash::finish() {
    std::array<unsigned char, crypto_hash_sha256_BYTES> hash{};
    crypto_hash_sha256_final(&state_->sha256, hash.data());
    std::array<char, digits + 1> text{};
    sodium_bin2hex(text.data(), text.size(), hash.data(), hash.size());
    return std::string(prefix) + text.data();
}

std::optional<std::string> content_hash(const ByteSource& source) {
    ContentHash hash;
    std::vector<std::byte> part(std::min<std::uint64_t>(source.size(), bytes_at_once));
    for (std::uint64_t done = 0; done < source.size();) {
        const auto bytes = std::span(part).first(std::min<std::uint64_t>(part.size(), source.size() - done));
        if (!source.read(done, bytes)) return std::nullopt;
        hash.add(bytes);
        done += bytes.size();
    }
    return hash.finish();
}

}  // namespace berth::inline host_v1
