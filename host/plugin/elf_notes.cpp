#include "elf_notes.hpp"

#include <elf.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <limits>
#include <string_view>
#include <type_traits>
#include <vector>

#include <berth/provider.h>

#include "../base/error.hpp"
#include "diagnostics.hpp"

namespace berth::inline host_v1 {

namespace {

using namespace plugin_diagnostics;

#if defined(__x86_64__)
constexpr Elf64_Half this_machine = EM_X86_64;
constexpr std::string_view this_machine_name = "x86-64";
#elif defined(__aarch64__)
constexpr Elf64_Half this_machine = EM_AARCH64;
constexpr std::string_view this_machine_name = "AArch64";
#elif defined(__riscv)
constexpr Elf64_Half this_machine = EM_RISCV;
constexpr std::string_view this_machine_name = "RISC-V";
#else
#error "name this machine here"
#endif

// Real plugins have some 40 sections and a dozen segments. The caps keep reading a hostile file as cheap as a good one.
constexpr std::uint64_t max_headers = 1024;
constexpr std::uint64_t max_note_bytes = 2 * max_manifest_bytes;
constexpr std::uint64_t max_name_bytes = std::uint64_t{64} * 1024;
constexpr std::size_t max_notes = 64;
constexpr std::string_view rebuild = "Build or copy the file again";

[[noreturn]] void damaged(std::string_view what) {
    throw Error(damaged_elf, "the ELF file is damaged: " + std::string(what), std::string(rebuild));
}

/// A stretch of the file. Never trusted before `within`.
struct Range {
    std::uint64_t offset = 0;
    std::uint64_t size = 0;
};

bool within(const Range& range, std::uint64_t file_size) {
    return range.offset <= file_size && range.size <= file_size - range.offset;
}

std::vector<std::byte> bytes_at(const ByteSource& source, const Range& range, std::string_view what) {
    if (!within(range, source.size())) damaged(std::string(what) + " lies beyond the end of the file");
    std::vector<std::byte> bytes(range.size);
    if (!source.read(range.offset, bytes)) damaged(std::string(what) + " cannot be read whole");
    return bytes;
}

template <typename Header>
Header take(std::span<const std::byte> bytes, std::uint64_t index) {
    static_assert(std::is_trivially_copyable_v<Header>);
    Header header{};
    std::memcpy(&header, bytes.data() + index * sizeof(Header), sizeof header);
    return header;
}

Elf64_Ehdr read_header(const ByteSource& source) {
    std::array<std::byte, sizeof(Elf64_Ehdr)> bytes{};
    std::array<std::byte, EI_NIDENT> ident{};
    if (source.size() < SELFMAG || !source.read(0, std::span(ident).first(SELFMAG)) ||
        std::memcmp(ident.data(), ELFMAG, SELFMAG) != 0) {
        throw Error(not_elf, "not an ELF file: it does not begin with 0x7f 'ELF'",
                    "A plugin is a shared object (.so) for Linux; remove this file or build it again");
    }
    if (source.size() < ident.size() || !source.read(0, ident)) damaged("it ends inside its first 16 bytes");
    const auto wrong = [](const std::string& expected, const std::string& found) -> Error {
        return {wrong_machine, "built for another kind of machine: expected " + expected + ", found " + found,
                "Build it for " + std::string(this_machine_name) + ", 64 bit, as a shared object"};
    };
    if (ident[EI_CLASS] == std::byte{ELFCLASS32}) throw wrong("64 bit", "32 bit");
    if (ident[EI_CLASS] != std::byte{ELFCLASS64}) damaged("its class is neither 32 nor 64 bit");
    if (ident[EI_DATA] != std::byte{ELFDATA2LSB}) throw wrong("little endian", "big endian");
    if (ident[EI_VERSION] != std::byte{EV_CURRENT}) damaged("its ELF version is not 1");
    if (!source.read(0, bytes)) damaged("it ends inside its header");
    const auto header = take<Elf64_Ehdr>(bytes, 0);
    if (header.e_machine != this_machine) {
        throw wrong("machine " + std::to_string(this_machine) + " (" + std::string(this_machine_name) + ")",
                    "machine " + std::to_string(header.e_machine));
    }
    if (header.e_type != ET_DYN) {
        throw wrong("a shared object", header.e_type == ET_REL    ? "an object file (.o)"
                                       : header.e_type == ET_EXEC ? "a program"
                                                                  : "ELF type " + std::to_string(header.e_type));
    }
    return header;
}

/// Where notes may be, and how their parts are aligned.
struct NoteRange {
    Range range;
    std::uint64_t alignment = 4;
};

std::uint64_t note_alignment(std::uint64_t alignment) {
    return alignment == 8 ? 8 : 4;
}

std::vector<NoteRange> note_segments(const ByteSource& source, const Elf64_Ehdr& header) {
    std::vector<NoteRange> found;
    if (header.e_phnum == 0) return found;
    if (header.e_phentsize != sizeof(Elf64_Phdr)) damaged("its program headers have a wrong size");
    if (header.e_phnum > max_headers) damaged("it has more than 1024 program headers");
    const auto bytes =
        bytes_at(source, {header.e_phoff, std::uint64_t{header.e_phnum} * sizeof(Elf64_Phdr)}, "a program header");
    for (std::uint64_t index = 0; index < header.e_phnum; ++index) {
        const auto segment = take<Elf64_Phdr>(bytes, index);
        // The loader maps what the header promises; the first touch of a page that is not there would be SIGBUS.
        if (segment.p_type == PT_LOAD && !within({segment.p_offset, segment.p_filesz}, source.size())) {
            damaged("it is cut short: " + std::to_string(source.size()) + " bytes are there, its segments need more");
        }
        if (segment.p_type != PT_NOTE) continue;
        found.push_back({{segment.p_offset, segment.p_filesz}, note_alignment(segment.p_align)});
    }
    return found;
}

bool named_note_section(std::span<const std::byte> names, std::uint32_t start) {
    static constexpr std::string_view wanted{BERTH_NOTE_SECTION, sizeof(BERTH_NOTE_SECTION)};
    return start < names.size() && names.size() - start >= wanted.size() &&
           std::memcmp(names.data() + start, wanted.data(), wanted.size()) == 0;
}

/// For files whose linker script made no note segment.
std::vector<NoteRange> note_sections(const ByteSource& source, const Elf64_Ehdr& header) {
    std::vector<NoteRange> found;
    if (header.e_shnum == 0 || header.e_shoff == 0) return found;
    if (header.e_shentsize != sizeof(Elf64_Shdr)) damaged("its section headers have a wrong size");
    if (header.e_shnum > max_headers) damaged("it has more than 1024 sections");
    const auto bytes =
        bytes_at(source, {header.e_shoff, std::uint64_t{header.e_shnum} * sizeof(Elf64_Shdr)}, "a section header");
    if (header.e_shstrndx >= header.e_shnum) return found;
    const auto names_header = take<Elf64_Shdr>(bytes, header.e_shstrndx);
    if (names_header.sh_type != SHT_STRTAB) return found;
    if (names_header.sh_size > max_name_bytes) damaged("its section names are longer than 64 KiB");
    const auto names = bytes_at(source, {names_header.sh_offset, names_header.sh_size}, "the table of section names");
    for (std::uint64_t index = 0; index < header.e_shnum; ++index) {
        const auto section = take<Elf64_Shdr>(bytes, index);
        if (section.sh_type == SHT_NOBITS || !named_note_section(names, section.sh_name)) continue;
        found.push_back({{section.sh_offset, section.sh_size}, note_alignment(section.sh_addralign)});
    }
    return found;
}

/// Collects the two notes; each may come once.
struct Collected {
    std::optional<std::string> manifest;
    std::optional<std::string> provides;
    std::size_t notes = 0;

    void add(std::uint32_t type, std::string text) {
        if (type != BERTH_NOTE_MANIFEST && type != BERTH_NOTE_PROVIDES) return;  // of a later minor version
        auto& place = type == BERTH_NOTE_MANIFEST ? manifest : provides;
        if (place) {
            damaged(std::string("it has two notes with a ") +
                    (type == BERTH_NOTE_MANIFEST ? "manifest" : "list of methods") +
                    "; two plugins were linked into one file");
        }
        place = std::move(text);
    }
};

std::uint64_t padded(std::uint64_t size, std::uint64_t alignment) {
    return (size + alignment - 1) / alignment * alignment;
}

std::string_view text_of(std::span<const std::byte> bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

void collect_notes(std::span<const std::byte> bytes, std::uint64_t alignment, Collected& collected) {
    static constexpr std::string_view owner{BERTH_NOTE_OWNER, sizeof(BERTH_NOTE_OWNER)};
    while (bytes.size() >= sizeof(Elf64_Nhdr)) {
        const auto note = take<Elf64_Nhdr>(bytes, 0);
        if (++collected.notes > max_notes) damaged("it has more than 64 notes");
        // Two 32-bit sizes and padding cannot overflow 64 bits.
        const std::uint64_t text_start = padded(sizeof note + std::uint64_t{note.n_namesz}, alignment);
        const std::uint64_t text_end = text_start + note.n_descsz;
        if (text_end > bytes.size()) damaged("a note is longer than the place it stands in");
        if (note.n_namesz == owner.size() && text_of(bytes.subspan(sizeof note, owner.size())) == owner) {
            if (note.n_descsz > max_manifest_bytes) {
                throw Error(manifest_field,
                            "the manifest is too long: expected at most " + std::to_string(max_manifest_bytes) +
                                " bytes, found " + std::to_string(note.n_descsz),
                            "Shorten its descriptions");
            }
            collected.add(note.n_type, std::string(text_of({bytes.data() + text_start, note.n_descsz})));
        }
        bytes = bytes.subspan(std::min<std::uint64_t>(padded(text_end, alignment), bytes.size()));
    }
}

void read_range(const ByteSource& source, const NoteRange& place, Collected& collected) {
    if (place.range.size > max_note_bytes) {
        // Large foreign notes are legal; ours is never that long, so it cannot be in here.
        if (!within(place.range, source.size())) damaged("a note lies beyond the end of the file");
        return;
    }
    collect_notes(bytes_at(source, place.range, "a note"), place.alignment, collected);
}

/// How many bytes were there to fill `target` with.
std::size_t read_at(int descriptor, std::uint64_t offset, std::span<std::byte> target) {
    std::size_t done = 0;
    while (done < target.size()) {
        const auto rest = target.subspan(done);
        const auto got = ::pread(descriptor, rest.data(), rest.size(), static_cast<off_t>(offset + done));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) {
            throw Error(unreadable, "cannot be read: " + system_message(errno), "Check the file system it lies on");
        }
        if (got == 0) break;  // it became shorter since it was examined
        done += static_cast<std::size_t>(got);
    }
    return done;
}

}  // namespace

FileBytes::FileBytes(int descriptor, std::uint64_t size)
    : descriptor_(descriptor),
      size_(size),
      page_size_(read_at(descriptor, 0, std::span(page_).first(std::min<std::uint64_t>(size, page_.size())))) {}

bool FileBytes::read(std::uint64_t offset, std::span<std::byte> target) const {
    const Range range{offset, target.size()};
    if (!within(range, size_)) return false;
    if (!within(range, page_size_)) return read_at(descriptor_, offset, target) == target.size();
    if (!target.empty()) std::memcpy(target.data(), page_.data() + offset, target.size());
    return true;
}

bool MemoryBytes::read(std::uint64_t offset, std::span<std::byte> target) const {
    if (!within({offset, target.size()}, bytes_.size())) return false;
    if (!target.empty()) std::memcpy(target.data(), bytes_.data() + offset, target.size());
    return true;
}

ElfNotes read_elf_notes(const ByteSource& source) {
    const auto header = read_header(source);
    Collected collected;
    // Segments first: they are what the loader itself sees, stand beside the header, and survive every kind of strip.
    for (const auto& place : note_segments(source, header))
        read_range(source, place, collected);
    if (!collected.manifest) {
        collected = {};
        for (const auto& place : note_sections(source, header))
            read_range(source, place, collected);
    }
    if (!collected.manifest) {
        throw Error(no_manifest, "a shared object, but no Berth plugin: it has no note \"" BERTH_NOTE_SECTION "\"",
                    "Write BERTH_PLUGIN (C++) or BERTH_MANIFEST (C), or take the file out of the plugin directory");
    }
    return {std::move(*collected.manifest), std::move(collected.provides)};
}

}  // namespace berth::inline host_v1
