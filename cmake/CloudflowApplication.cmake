# filled by codegen
