// Runes everywhere; TypeScript in components needs no preprocessor as long as it is types only.
export default { compilerOptions: { runes: true } };
