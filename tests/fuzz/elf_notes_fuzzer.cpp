// Feeds the readers of ELF notes, of the dynamic section and of sections with anything and checks what has to hold
// whatever comes in: they end, what they give is within their caps, and what they refuse has a number of its own. Loads
// nothing.
// Built with BERTH_PLANTED_FAULT the file is said to be longer than it is, which a working fuzzer finds.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <span>
#include <string_view>

#include "base/error.hpp"
#include "plugin/elf_headers.hpp"
#include "plugin/elf_links.hpp"
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

void read_notes(const Bytes& bytes) {
    const auto notes = berth::read_elf_notes(bytes);
    require(notes.manifest.size() <= berth::max_manifest_bytes, "a manifest above its cap");
    require(notes.manifest.size() <= bytes.size(), "a manifest longer than the file");
    require(!notes.provides || notes.provides->size() <= bytes.size(), "a list longer than the file");
}

void read_links(const Bytes& bytes) {
    const auto links = berth::read_elf_links(bytes);
    require(links.exported.size() <= berth::max_listed_symbols, "more symbols than are listed");
    require(links.exported.size() <= links.exported_count, "more symbols listed than counted");
    require(links.exported_count <= bytes.size() / sizeof(Elf64_Sym), "more symbols than fit into the file");
    require(links.entries.size() <= links.exported_count, "more entries than symbols");
    for (const auto& name : links.needed)
        require(name.size() < bytes.size(), "a name longer than the file");
}

void read_sections(const Bytes& bytes) {
    const auto sections = berth::read_sections(bytes, berth::read_elf_header(bytes));
    require(sections.size() <= bytes.size() / sizeof(Elf64_Shdr), "more sections than fit into the file");
}

void refused_in_words(void (*read)(const Bytes&), const Bytes& bytes) {
    try {
        read(bytes);
    } catch (const berth::Error& error) {
        require(error.diagnostic() >= "BERTH-P-08" && error.diagnostic() <= "BERTH-P-13", "another diagnostic");
        require(!error.fields().hint.empty(), "a refusal without a hint");
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const Bytes bytes(std::as_bytes(std::span(data, size)));
    for (auto* read : {read_notes, read_links, read_sections})
        refused_in_words(read, bytes);
    return 0;
}
