//! Components that no compiler would make: the tool set that misbehaves, with one
//! more core module that is instantiated with it.

use wasm_encoder::{
    BlockType, CodeSection, Component, ComponentSection, Function, FunctionSection,
    InstanceSection, Instruction, MemorySection, MemoryType, Module, ModuleArg, ModuleSection,
    RefType, StartSection, TableSection, TableType, TypeSection, ValType,
};

/// Functions so large and so tangled that a compiler takes long with them.
pub(super) fn slow_to_compile() -> Vec<u8> {
    let mut types = TypeSection::new();
    types.ty().function([], []);
    let (mut functions, mut code) = (FunctionSection::new(), CodeSection::new());
    for _ in 0..SLOW_FUNCTIONS {
        functions.function(0);
        code.function(&tangle());
    }
    with(
        Module::new()
            .section(&types)
            .section(&functions)
            .section(&code),
    )
}

/// Many values, each made of two others, across branches.
fn tangle() -> Function {
    let mut function = Function::new([(TANGLED, ValType::I64)]);
    let mut random = 1_u32;
    let mut local = || {
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (random >> 8) % TANGLED
    };
    for _ in 0..TANGLES {
        function
            .instruction(&Instruction::Block(BlockType::Empty))
            .instruction(&Instruction::LocalGet(local()))
            .instruction(&Instruction::I64Eqz)
            .instruction(&Instruction::BrIf(0))
            .instruction(&Instruction::LocalGet(local()))
            .instruction(&Instruction::LocalGet(local()))
            .instruction(&Instruction::I64Mul)
            .instruction(&Instruction::LocalSet(local()))
            .instruction(&Instruction::End);
    }
    function.instruction(&Instruction::End);
    function
}

/// A hundred memories of one page.
pub(super) fn many_memories() -> Vec<u8> {
    let mut memories = MemorySection::new();
    for _ in 0..100 {
        memories.memory(pages(1));
    }
    with(Module::new().section(&memories))
}

/// All that 32 bits can address, from the start.
pub(super) fn vast_memory() -> Vec<u8> {
    let mut memories = MemorySection::new();
    memories.memory(pages(65_536));
    with(Module::new().section(&memories))
}

/// A table of a hundred million elements.
pub(super) fn vast_table() -> Vec<u8> {
    let mut tables = TableSection::new();
    tables.table(TableType {
        element_type: RefType::FUNCREF,
        minimum: 100_000_000,
        maximum: None,
        table64: false,
        shared: false,
    });
    with(Module::new().section(&tables))
}

/// Never done being instantiated.
pub(super) fn endless_start() -> Vec<u8> {
    let mut types = TypeSection::new();
    types.ty().function([], []);
    let (mut functions, mut code) = (FunctionSection::new(), CodeSection::new());
    functions.function(0);
    let mut function = Function::new([]);
    function
        .instruction(&Instruction::Loop(BlockType::Empty))
        .instruction(&Instruction::Br(0))
        .instruction(&Instruction::End)
        .instruction(&Instruction::End);
    code.function(&function);
    let start = StartSection { function_index: 0 };
    let mut module = Module::new();
    module.section(&types).section(&functions);
    with(module.section(&start).section(&code))
}

/// What one gets who builds for the wrong target.
pub(super) fn core_module() -> Vec<u8> {
    Module::new().finish()
}

/// A component with nothing in it.
pub(super) fn empty_component() -> Vec<u8> {
    Component::new().finish()
}

fn pages(minimum: u64) -> MemoryType {
    MemoryType {
        minimum,
        maximum: None,
        memory64: false,
        shared: false,
        page_size_log2: None,
    }
}

/// The tool set that misbehaves, and `module` instantiated in it.
fn with(module: &Module) -> Vec<u8> {
    let mut wasm = super::files::hostile();
    let index = core_modules(&wasm);
    ModuleSection(module).append_to_component(&mut wasm);
    let mut instances = InstanceSection::new();
    instances.instantiate(index, std::iter::empty::<(&str, ModuleArg)>());
    instances.append_to_component(&mut wasm);
    wasm
}

/// How many core modules a component has: it is made of sections, each a number, a
/// length and as many bytes, and a core module is one of these.
fn core_modules(wasm: &[u8]) -> u32 {
    let mut rest = wasm.get(8..).unwrap_or_default();
    let mut count = 0;
    while let Some((id, after)) = rest.split_first() {
        let Some((length, body)) = length(after) else {
            break;
        };
        count += u32::from(*id == CORE_MODULE);
        rest = body.get(length..).unwrap_or_default();
    }
    count
}

/// An unsigned LEB128 number, and what follows it.
fn length(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let mut value = 0;
    for (at, byte) in bytes.iter().enumerate().take(5) {
        value |= usize::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            return Some((value, bytes.get(at + 1..)?));
        }
    }
    None
}

const CORE_MODULE: u8 = 1;
/// Together some 10 MB: a minute and more of a compiler's time.
const SLOW_FUNCTIONS: u32 = 24;
const TANGLES: u32 = 25_000;
/// Values that live at once.
const TANGLED: u32 = 200;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_are_counted_to_the_end_of_the_file() {
        let mut component = Component::new();
        component.section(&ModuleSection(&Module::new()));
        component.section(&ModuleSection(&Module::new()));
        assert_eq!(core_modules(&component.finish()), 2);
        assert!(core_modules(plugin_bundle::HOSTILE.wasm) > 1);
        assert_eq!(core_modules(b""), 0);
    }

    #[test]
    fn lengths_are_read_as_they_are_written() {
        assert_eq!(length(&[0x05, 9]), Some((5, &[9][..])));
        assert_eq!(length(&[0xe5, 0x8e, 0x26]), Some((624_485, &[][..])));
        assert_eq!(length(&[0x80]), None);
    }
}
