#include "elf_notes.hpp"

#include <algorithm>
#include <span>
#include <string_view>
#include <vector>

#include <berth/provider.h>

#include "../base/error.hpp"
#include "diagnostics.hpp"
#include "elf_headers.hpp"

namespace berth::inline host_v1 {

namespace {

using namespace plugin_diagnostics;

// The cap keeps reading a hostile file as cheap as a good one.
constexpr std::uint64_t max_note_bytes = 2 * max_manifest_bytes;
constexpr std::size_t max_notes = 64;

/// Where notes may be, and how their parts are aligned.
struct NoteRange {
    ElfRange range;
    std::uint64_t alignment = 4;
};

std::uint64_t note_alignment(std::uint64_t alignment) {
    return alignment == 8 ? 8 : 4;
}

std::vector<NoteRange> note_segments(const ByteSource& source, const Elf64_Ehdr& header) {
    std::vector<NoteRange> found;
    for (const auto& segment : read_segments(source, header)) {
        if (segment.p_type != PT_NOTE) continue;
        found.push_back({{segment.p_offset, segment.p_filesz}, note_alignment(segment.p_align)});
    }
    return found;
}

/// For files whose linker script made no note segment.
std::vector<NoteRange> note_sections(const ByteSource& source, const Elf64_Ehdr& header) {
    std::vector<NoteRange> found;
    for (const auto& [name, section] : read_sections(source, header)) {
        if (section.sh_type == SHT_NOBITS || name != BERTH_NOTE_SECTION) continue;
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
            throw_damaged(std::string("it has two notes with a ") +
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
        const auto note = elf_value<Elf64_Nhdr>(bytes, 0);
        if (++collected.notes > max_notes) throw_damaged("it has more than 64 notes");
        // Two 32-bit sizes and padding cannot overflow 64 bits.
        const std::uint64_t text_start = padded(sizeof note + std::uint64_t{note.n_namesz}, alignment);
        const std::uint64_t text_end = text_start + note.n_descsz;
        if (text_end > bytes.size()) throw_damaged("a note is longer than the place it stands in");
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
        if (!place.range.within(source.size())) throw_damaged("a note lies beyond the end of the file");
        return;
    }
    collect_notes(elf_bytes(source, place.range, "a note"), place.alignment, collected);
}

}  // namespace

ElfNotes read_elf_notes(const ByteSource& source) {
    const auto header = read_elf_header(source);
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
