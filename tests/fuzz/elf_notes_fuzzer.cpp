// Feeds the reader of ELF notes with anything and checks what has to hold whatever comes in: it ends, what it gives is
// within its caps, and what it refuses has a number of its own. Loads nothing.
// Built with BERTH_PLANTED_FAULT the file is said to be longer than it is, which a working fuzzer finds.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <span>
#include <string_view>

#include "base/error.hpp"
#include "plugin/elf_notes.hpp"

namespace {

void require(bool holds, std::string_view what) {
    if (holds) return;
    std::cerr << "broken: " << what << "\n";
    std::abort();
}

#ifdef BERTH_PLANTED_FAULT
/// The fault: a size that was not asked of the file, and a read that believes it.
class Bytes final : public berth::ByteSource {
public:
    explicit Bytes(std::span<const std::byte> bytes) : bytes_(bytes) {}
    [[nodiscard]] std::uint64_t size() const noexcept override { return bytes_.size() + 16; }
    [[nodiscard]] bool read(std::uint64_t offset, std::span<std::byte> target) const override {
        if (offset > size() || target.size() > size() - offset) return false;
        std::memcpy(target.data(), bytes_.data() + offset, target.size());
        return true;
    }

private:
    std::span<const std::byte> bytes_;
};
#else
using Bytes = berth::MemoryBytes;
#endif

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto bytes = std::as_bytes(std::span(data, size));
    try {
        const auto notes = berth::read_elf_notes(Bytes(bytes));
        require(notes.manifest.size() <= berth::max_manifest_bytes, "a manifest above its cap");
        require(notes.manifest.size() <= size, "a manifest longer than the file");
        require(!notes.provides || notes.provides->size() <= size, "a list longer than the file");
    } catch (const berth::Error& error) {
        require(error.diagnostic() >= "BERTH-P-08" && error.diagnostic() <= "BERTH-P-13", "another diagnostic");
        require(!error.fields().hint.empty(), "a refusal without a hint");
    }
    return 0;
}
