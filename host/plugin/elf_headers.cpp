#include "elf_headers.hpp"

#include <algorithm>
#include <array>

#include "../base/error.hpp"
#include "diagnostics.hpp"

namespace berth::inline host_v1 {

namespace {

using namespace plugin_diagnostics;

#if defined(__x86_64__)
constexpr Elf64_Half machine_number = EM_X86_64;
constexpr std::string_view machine_name = "x86-64";
#elif defined(__aarch64__)
constexpr Elf64_Half machine_number = EM_AARCH64;
constexpr std::string_view machine_name = "AArch64";
#elif defined(__riscv)
constexpr Elf64_Half machine_number = EM_RISCV;
constexpr std::string_view machine_name = "RISC-V";
#else
#error "name this machine here"
#endif

// Real plugins have some 40 sections and a dozen segments. The caps keep reading a hostile file as cheap as a good one.
constexpr std::uint64_t max_headers = 1024;
constexpr std::uint64_t max_name_bytes = std::uint64_t{64} * 1024;

Error other_machine(const std::string& expected, const std::string& found) {
    return {wrong_machine, "built for another kind of machine: expected " + expected + ", found " + found,
            "Build it for " + std::string(machine_name) + ", 64 bit, as a shared object"};
}

/// The first 16 bytes, which say how to read the others.
void check_ident(const ByteSource& source) {
    std::array<std::byte, EI_NIDENT> ident{};
    if (source.size() < SELFMAG || !source.read(0, std::span(ident).first(SELFMAG)) ||
        std::memcmp(ident.data(), ELFMAG, SELFMAG) != 0) {
        throw Error(not_elf, "not an ELF file: it does not begin with 0x7f 'ELF'",
                    "A plugin is a shared object (.so) for Linux; remove this file or build it again");
    }
    if (source.size() < ident.size() || !source.read(0, ident)) throw_damaged("it ends inside its first 16 bytes");
    if (ident[EI_CLASS] == std::byte{ELFCLASS32}) throw other_machine("64 bit", "32 bit");
    if (ident[EI_CLASS] != std::byte{ELFCLASS64}) throw_damaged("its class is neither 32 nor 64 bit");
    if (ident[EI_DATA] != std::byte{ELFDATA2LSB}) throw other_machine("little endian", "big endian");
    if (ident[EI_VERSION] != std::byte{EV_CURRENT}) throw_damaged("its ELF version is not 1");
}

/// The text of a table of names that begins there; what has no end nearby is no name.
std::string name_at(std::span<const std::byte> names, std::uint32_t start) {
    static constexpr std::size_t longest = 256;
    if (start >= names.size()) return {};
    const auto rest = names.subspan(start, std::min(names.size() - start, longest));
    const auto end = std::find(rest.begin(), rest.end(), std::byte{0});
    if (end == rest.end()) return {};
    return {reinterpret_cast<const char*>(rest.data()), static_cast<std::size_t>(end - rest.begin())};
}

}  // namespace

void throw_damaged(std::string_view what) {
    throw Error(damaged_elf, "the ELF file is damaged: " + std::string(what), "Build or copy the file again");
}

std::vector<std::byte> elf_bytes(const ByteSource& source, const ElfRange& range, std::string_view what) {
    if (!range.within(source.size())) throw_damaged(std::string(what) + " lies beyond the end of the file");
    std::vector<std::byte> bytes(range.size);
    if (!source.read(range.offset, bytes)) throw_damaged(std::string(what) + " cannot be read whole");
    return bytes;
}

Elf64_Ehdr read_elf_header(const ByteSource& source) {
    check_ident(source);
    std::array<std::byte, sizeof(Elf64_Ehdr)> bytes{};
    if (!source.read(0, bytes)) throw_damaged("it ends inside its header");
    const auto header = elf_value<Elf64_Ehdr>(bytes, 0);
    if (header.e_machine != machine_number) {
        throw other_machine("machine " + std::to_string(machine_number) + " (" + std::string(machine_name) + ")",
                            "machine " + std::to_string(header.e_machine));
    }
    if (header.e_type != ET_DYN) {
        throw other_machine("a shared object", header.e_type == ET_REL ? "an object file (.o)"
                                               : header.e_type == ET_EXEC
                                                   ? "a program"
                                                   : "ELF type " + std::to_string(header.e_type));
    }
    return header;
}

std::vector<Elf64_Phdr> read_segments(const ByteSource& source, const Elf64_Ehdr& header) {
    std::vector<Elf64_Phdr> segments;
    if (header.e_phnum == 0) return segments;
    if (header.e_phentsize != sizeof(Elf64_Phdr)) throw_damaged("its program headers have a wrong size");
    if (header.e_phnum > max_headers) throw_damaged("it has more than 1024 program headers");
    const auto bytes =
        elf_bytes(source, {header.e_phoff, std::uint64_t{header.e_phnum} * sizeof(Elf64_Phdr)}, "a program header");
    segments.reserve(header.e_phnum);
    for (std::uint64_t index = 0; index < header.e_phnum; ++index) {
        segments.push_back(elf_value<Elf64_Phdr>(bytes, index));
        const auto& segment = segments.back();
        // The loader maps what the header promises; the first touch of a page that is not there would be SIGBUS.
        if (segment.p_type == PT_LOAD && !ElfRange{segment.p_offset, segment.p_filesz}.within(source.size())) {
            throw_damaged("it is cut short: " + std::to_string(source.size()) +
                          " bytes are there, its segments need more");
        }
    }
    return segments;
}

std::vector<ElfSection> read_sections(const ByteSource& source, const Elf64_Ehdr& header) {
    std::vector<ElfSection> sections;
    if (header.e_shnum == 0 || header.e_shoff == 0) return sections;
    if (header.e_shentsize != sizeof(Elf64_Shdr)) throw_damaged("its section headers have a wrong size");
    if (header.e_shnum > max_headers) throw_damaged("it has more than 1024 sections");
    const auto bytes =
        elf_bytes(source, {header.e_shoff, std::uint64_t{header.e_shnum} * sizeof(Elf64_Shdr)}, "a section header");
    if (header.e_shstrndx >= header.e_shnum) return sections;
    const auto strings = elf_value<Elf64_Shdr>(bytes, header.e_shstrndx);
    if (strings.sh_type != SHT_STRTAB) return sections;
    if (strings.sh_size > max_name_bytes) throw_damaged("its section names are longer than 64 KiB");
    sections.reserve(header.e_shnum);
    const auto names = elf_bytes(source, {strings.sh_offset, strings.sh_size}, "the table of section names");
    for (std::uint64_t index = 0; index < header.e_shnum; ++index) {
        const auto section = elf_value<Elf64_Shdr>(bytes, index);
        sections.push_back({name_at(names, section.sh_name), section});
    }
    return sections;
}

std::string_view this_machine() noexcept {
    return machine_name;
}

}  // namespace berth::inline host_v1
