// Builds small ELF files in memory, right or wrong in one place, for the tests of the note reader.
#pragma once

#include <elf.h>

#include <cstddef>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace elf_image {

/// One note as the contract frames it.
inline std::string note(std::string_view owner, std::uint32_t type, std::string_view text) {
    const Elf64_Nhdr header{static_cast<Elf64_Word>(owner.size() + 1), static_cast<Elf64_Word>(text.size()), type};
    std::string bytes(reinterpret_cast<const char*>(&header), sizeof header);
    const auto add = [&bytes](std::string_view part, std::size_t size) {
        bytes += part;
        bytes.resize(bytes.size() + (size + 3) / 4 * 4 - part.size());
    };
    add(owner, owner.size() + 1);
    add(text, text.size());
    return bytes;
}

/// A shared object for this machine with its notes in a segment, in a section, or both.
struct Image {
    Elf64_Ehdr header = [] {
        Elf64_Ehdr made{};
        std::memcpy(made.e_ident, ELFMAG, SELFMAG);
        made.e_ident[EI_CLASS] = ELFCLASS64;
        made.e_ident[EI_DATA] = ELFDATA2LSB;
        made.e_ident[EI_VERSION] = EV_CURRENT;
        made.e_type = ET_DYN;
#if defined(__x86_64__)
        made.e_machine = EM_X86_64;
#elif defined(__aarch64__)
        made.e_machine = EM_AARCH64;
#else
        made.e_machine = EM_RISCV;
#endif
        made.e_phentsize = sizeof(Elf64_Phdr);
        made.e_shentsize = sizeof(Elf64_Shdr);
        return made;
    }();
    std::vector<Elf64_Phdr> segments;
    std::vector<Elf64_Shdr> sections;
    std::string content;  ///< begins right behind the header

    [[nodiscard]] std::uint64_t append(std::string_view bytes) {
        content.resize((content.size() + 7) / 8 * 8);
        const auto offset = sizeof header + content.size();
        content += bytes;
        return offset;
    }

    Image& with_segment(std::string_view notes, std::uint64_t alignment = 4) {
        Elf64_Phdr segment{};
        segment.p_type = PT_NOTE;
        segment.p_offset = append(notes);
        segment.p_filesz = notes.size();
        segment.p_align = alignment;
        segments.push_back(segment);
        return *this;
    }

    Image& with_section(std::string_view notes) {
        static constexpr std::string_view names("\0.note.berth\0.shstrtab\0", 23);
        Elf64_Shdr section{};
        section.sh_name = 1;
        section.sh_type = SHT_NOTE;
        section.sh_offset = append(notes);
        section.sh_size = notes.size();
        section.sh_addralign = 4;
        Elf64_Shdr strings{};
        strings.sh_name = 13;
        strings.sh_type = SHT_STRTAB;
        strings.sh_offset = append(names);
        strings.sh_size = names.size();
        sections = {Elf64_Shdr{}, section, strings};
        header.e_shstrndx = 2;
        return *this;
    }

    /// The whole file: header, content, then the tables of headers.
    [[nodiscard]] std::vector<std::byte> bytes() const {
        Image copy = *this;
        if (!segments.empty()) {
            copy.header.e_phnum = static_cast<Elf64_Half>(segments.size());
            copy.header.e_phoff =
                copy.append({reinterpret_cast<const char*>(segments.data()), segments.size() * sizeof(Elf64_Phdr)});
        }
        if (!sections.empty()) {
            copy.header.e_shnum = static_cast<Elf64_Half>(sections.size());
            copy.header.e_shoff =
                copy.append({reinterpret_cast<const char*>(sections.data()), sections.size() * sizeof(Elf64_Shdr)});
        }
        const std::string text = std::string(reinterpret_cast<const char*>(&copy.header), sizeof header) + copy.content;
        const auto view = std::as_bytes(std::span(text));
        return {view.begin(), view.end()};
    }
};

}  // namespace elf_image
