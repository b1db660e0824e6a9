// A file's content as one name, against hashes that the standard gives.
#include "plugin/content_hash.hpp"

#include <doctest/doctest.h>

#include <vector>

using namespace berth;

namespace {

std::string hash_of(std::string_view text) {
    return content_hash(MemoryBytes(std::as_bytes(std::span(text)))).value();
}

constexpr std::string_view of_abc = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

}  // namespace

TEST_CASE("it is SHA-256") {
    CHECK(hash_of("abc") == of_abc);
    CHECK(hash_of("") == "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    CHECK(hash_of(std::string(1'000'000, 'a')) ==
          "sha256:cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST_CASE("in parts it is the same") {
    ContentHash hash;
    for (const std::string_view part : {"a", "", "bc"})
        hash.add(std::as_bytes(std::span(part)));
    CHECK(hash.finish() == of_abc);
}

TEST_CASE("a source that is shorter than it said has no hash") {
    class Shorter final : public ByteSource {
        [[nodiscard]] std::uint64_t size() const noexcept override { return 100; }
        [[nodiscard]] bool read(std::uint64_t, std::span<std::byte>) const override { return false; }
    };
    CHECK_FALSE(content_hash(Shorter()).has_value());
}
