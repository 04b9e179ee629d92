/** Every model that has a life, by its name. */
import { AftercareError } from '../../schemas/errors.js';
import { blendRecipe } from './blend.js';
import { entitiesRecipe } from './entities.js';
import { intentRecipe } from './intent.js';
import type { Recipe } from './recipe.js';
import { riskLogistic, riskSvm } from './risk.js';
import { svdRecipe } from './svd.js';

export const recipes: Readonly<Record<string, Recipe>> = Object.fromEntries([entitiesRecipe, intentRecipe, riskLogistic, riskSvm, svdRecipe, blendRecipe].map((recipe) => [recipe.model, recipe as Recipe]));

/** @throws AftercareError bad_request that names those there are */
export function recipeOf(model: string): Recipe {
  if (Object.hasOwn(recipes, model)) return recipes[model];
  throw new AftercareError('bad_request', `model "${model}" has no recipe; there are ${Object.keys(recipes).sort().join(', ')}`);
}
