import ts from 'typescript';

/** An option as the code has it. */
export interface SourceOption {
  /** The interface it belongs to, such as `BackoffOptions`. */
  readonly of: string;
  readonly name: string;
  /** As written, on one line. */
  readonly type: string;
  readonly required: boolean;
  /** Markdown; `null` where the comment names none. */
  readonly defaultValue: string | null;
  /** Markdown: what it means, its unit and its range. */
  readonly text: string;
}

/** What can be told of a pattern from its source alone. */
export interface SourceFacts {
  readonly options: SourceOption[];
  /** The names it exports, in the order of the file. */
  readonly exports: string[];
}

/** What can be told of a file beside a pattern, such as `redis.ts`, from its source alone. */
export interface EntryFacts {
  /** Markdown: the first sentence of what is said of the first thing it exports that is no type. */
  readonly description: string;
  /** The names it exports, in the order of the file. */
  readonly exports: string[];
}

/**
 * Reads the options and the exported names from a source file's syntax and doc comments.
 *
 * @param file - How messages call it.
 * @throws `Error`, `file: name: what is wrong`, for an option without a comment.
 */
export function readSource(file: string, text: string): SourceFacts {
  const statements = exportedIn(file, text);
  const options = statements
    .filter(ts.isInterfaceDeclaration)
    .filter(({ name }) => name.text.endsWith('Options'))
    .flatMap(({ name, members }) => members.map((member) => optionOf(file, name.text, member)));
  return { options, exports: statements.flatMap(namesOf) };
}

/**
 * Reads what an entry is for from the doc comment of the first thing it exports that is no type.
 *
 * @param file - How messages call it.
 * @throws `Error`, `file: what is wrong`, where there is none.
 */
export function readEntry(file: string, text: string): EntryFacts {
  const statements = exportedIn(file, text);
  const first = statements.find((node) => !ts.isInterfaceDeclaration(node) && !ts.isTypeAliasDeclaration(node));
  const [comment] = first === undefined ? [] : ts.getJSDocCommentsAndTags(first).filter(ts.isJSDoc);
  const [description = ''] = /^.+?\.(?= |$)/.exec(markdownOf(comment?.comment)) ?? [];
  if (description === '') throw new Error(`${file}: expected an export with a comment that says what it is for`);
  return { description, exports: statements.flatMap(namesOf) };
}

/** The files beside this one that it imports, by their names without an extension; types are left out in JavaScript. */
export function importedBeside(file: string, text: string): string[] {
  return ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true).statements.flatMap((node) => {
    if (!(ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) || node.moduleSpecifier === undefined)
      return [];
    const [, name] = /^['"]\.\/([\w-]+)\.[jt]s['"]$/.exec(node.moduleSpecifier.getText()) ?? [];
    return name === undefined ? [] : [name];
  });
}

function exportedIn(file: string, text: string): ts.Statement[] {
  return ts
    .createSourceFile(file, text, ts.ScriptTarget.Latest, true)
    .statements.filter(
      (node) =>
        ts.canHaveModifiers(node) && ts.getModifiers(node)?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword),
    );
}

function optionOf(file: string, of: string, member: ts.TypeElement): SourceOption {
  const name = member.name!.getText();
  const type = ts.isPropertySignature(member) ? member.type!.getText().replace(/\s+/g, ' ') : member.getText();
  const [comment] = ts.getJSDocCommentsAndTags(member).filter(ts.isJSDoc);
  const text = markdownOf(comment?.comment);
  if (text === '') throw new Error(`${file}: ${of}.${name}: expected a comment that says what it means`);

  const tag = ts.getJSDocTags(member).find(({ tagName }) => tagName.text === 'defaultValue');
  return {
    ...{ of, name, type },
    required: member.questionToken === undefined,
    defaultValue: tag ? markdownOf(tag.comment) : null,
    text,
  };
}

/** A comment on one line, its links as code. */
function markdownOf(comment: Parameters<typeof ts.getTextOfJSDocComment>[0]): string {
  const text = ts.getTextOfJSDocComment(comment) ?? '';
  return text
    .replace(/\{@link(?:code)? ([^}|]+?)\s*\}/g, '`$1`')
    .replace(/\s+/g, ' ')
    .trim();
}

/** The names that a statement declares. */
export function namesOf(node: ts.Statement): string[] {
  if (ts.isVariableStatement(node)) return node.declarationList.declarations.map(({ name }) => name.getText());
  const isNamed =
    ts.isFunctionDeclaration(node) ||
    ts.isClassDeclaration(node) ||
    ts.isInterfaceDeclaration(node) ||
    ts.isTypeAliasDeclaration(node);
  return isNamed && node.name ? [node.name.text] : [];
}
