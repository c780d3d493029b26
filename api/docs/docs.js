// Shows /openapi.json as a page. No outside request, no inline style or script, text is always set as text.
'use strict';

const methods = ['get', 'put', 'post', 'delete'];

function make(name, attributes, ...children) {
  const e = document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {})) e.setAttribute(key, value);
  for (const child of children) if (child !== null && child !== undefined) e.append(child);
  return e;
}

// resolve follows a $ref inside the document.
function resolve(spec, value) {
  if (!value || !value.$ref) return value;
  let out = spec;
  for (const part of value.$ref.slice(2).split('/')) out = out[part.replace(/~1/g, '/').replace(/~0/g, '~')];
  return out;
}

// typeOf says in a few words what a schema is.
function typeOf(schema) {
  if (!schema) return '';
  if (schema.$ref) return schema.$ref.split('/').pop();
  if (schema.type === 'array') return 'list of ' + typeOf(schema.items);
  let out = schema.type || '';
  if (schema.format) out += ' (' + schema.format + ')';
  if (schema.enum) out += ': ' + schema.enum.map((v) => (v === '' ? '(empty)' : v)).join(', ');
  if (schema.minimum !== undefined || schema.maximum !== undefined) out += ' from ' + (schema.minimum ?? '…') + ' to ' + (schema.maximum ?? '…');
  if (schema.maxLength !== undefined) out += ', at most ' + schema.maxLength + ' characters';
  return out;
}

function schemaLink(schema) {
  const text = typeOf(schema);
  const ref = schema && (schema.$ref || (schema.items && schema.items.$ref));
  return ref ? make('a', {href: '#schema-' + ref.split('/').pop()}, text) : text;
}

function table(head, rows) {
  const t = make('table', {}, make('thead', {}, make('tr', {}, ...head.map((h) => make('th', {scope: 'col'}, h)))), make('tbody'));
  for (const row of rows) t.lastChild.append(make('tr', {}, ...row.map((cell) => make('td', {}, cell))));
  return t;
}

function facts(pairs) {
  const list = make('dl');
  for (const [name, value] of pairs) if (value) list.append(make('dt', {}, name), make('dd', {}, value));
  return list;
}

function operation(spec, path, method, op) {
  const body = make('div', {class: 'body'}, make('p', {class: 'text'}, op.description || ''));
  body.append(facts([['who', (op['x-roles'] || []).join(', ')], ['whose', op['x-scope']], ['token scope', op['x-token-scope']],
    ['limited', op['x-rate'] ? 'by address: ' + op['x-rate'] : ''], ['operation', op.operationId]]));
  const parameters = (op.parameters || []).map((p) => resolve(spec, p));
  if (parameters.length) {
    body.append(make('h3', {}, 'Parameters'), table(['name', 'in', 'type', ''], parameters.map((p) =>
      [make('code', {}, p.name + (p.required ? ' *' : '')), p.in, schemaLink(p.schema), p.description || ''])));
  }
  if (op.requestBody) {
    body.append(make('h3', {}, 'Body'));
    for (const [type, media] of Object.entries(op.requestBody.content)) {
      body.append(make('p', {}, make('code', {}, type), ' ', schemaLink(media.schema)));
      if (media.example) body.append(make('pre', {}, JSON.stringify(media.example, null, 2)));
    }
  }
  body.append(make('h3', {}, 'Answers'), table(['status', 'content', ''], Object.entries(op.responses).map(([status, r]) => {
    const response = resolve(spec, r);
    const content = make('span');
    for (const [type, media] of Object.entries(response.content || {})) content.append(make('code', {}, type), ' ', schemaLink(media.schema), ' ');
    return [status, content, response.description];
  })));
  const d = make('details', {id: op.operationId}, make('summary', {}, make('span', {class: 'method'}, method.toUpperCase()),
    make('code', {class: 'path'}, path), op.summary), body);
  d.dataset.text = [method, path, op.summary, op.description, (op['x-roles'] || []).join(' '), op.operationId].join(' ').toLowerCase();
  return d;
}

function schemaView(name, schema) {
  const body = make('div', {class: 'body'}, make('p', {class: 'text'}, schema.description || ''));
  if (schema.properties) {
    const required = schema.required || [];
    body.append(table(['name', 'type', ''], Object.entries(schema.properties).map(([key, value]) =>
      [make('code', {}, key + (required.includes(key) ? ' *' : '')), schemaLink(value), value.description || ''])));
  } else {
    body.append(make('p', {}, typeOf(schema), schema.pattern ? make('code', {}, ' ' + schema.pattern) : ''));
  }
  const d = make('details', {id: 'schema-' + name}, make('summary', {}, make('code', {}, name)), body);
  d.dataset.text = ('schema ' + name + ' ' + (schema.description || '')).toLowerCase();
  return d;
}

function show(spec) {
  document.getElementById('title').textContent = spec.info.title + ', API ' + spec.info.version;
  document.getElementById('summary').textContent = spec.info.summary;
  const main = document.getElementById('operations');
  const nav = document.getElementById('tags');
  main.replaceChildren(make('details', {}, make('summary', {}, 'About this contract'), make('div', {class: 'body text'}, spec.info.description)));
  for (const tag of spec.tags) {
    const section = make('section', {id: 'tag-' + tag.name}, make('h2', {}, tag.name), make('p', {}, tag.description));
    for (const [path, item] of Object.entries(spec.paths)) {
      for (const method of methods) if (item[method] && item[method].tags.includes(tag.name)) section.append(operation(spec, path, method, item[method]));
    }
    main.append(section);
    nav.append(make('a', {href: '#tag-' + tag.name}, tag.name));
  }
  const schemas = make('section', {id: 'tag-schemas'}, make('h2', {}, 'schemas'));
  for (const [name, schema] of Object.entries(spec.components.schemas)) schemas.append(schemaView(name, schema));
  main.append(schemas);
  nav.append(make('a', {href: '#tag-schemas'}, 'schemas'));
}

function filter(text) {
  const wanted = text.toLowerCase().split(/\s+/).filter(Boolean);
  for (const section of document.querySelectorAll('main section')) {
    let any = false;
    for (const d of section.querySelectorAll('details')) {
      d.hidden = !wanted.every((word) => d.dataset.text.includes(word));
      any = any || !d.hidden;
    }
    section.hidden = !any;
  }
}

function open() {
  const target = location.hash && document.getElementById(location.hash.slice(1));
  if (target && target.tagName === 'DETAILS') target.open = true;
  if (target) target.scrollIntoView();
}

async function start() {
  const state = document.getElementById('state');
  try {
    const answer = await fetch('/openapi.json');
    if (!answer.ok) throw new Error('the node answered ' + answer.status);
    show(await answer.json());
    document.getElementById('filter').addEventListener('input', (e) => filter(e.target.value));
    window.addEventListener('hashchange', open);
    open();
  } catch (err) {
    state.textContent = 'The contract can\'t be read: ' + err.message + '. Load the page again.';
  }
}

start();
